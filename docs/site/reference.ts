// Writes the API pages: one folder a door of a package, from the docstrings of the source.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'
import { Application, Converter, type Context, ReflectionKind } from 'typedoc'

const docs = resolve(import.meta.dirname, '..')
const packages = resolve(docs, '../packages')

/** A way into a package: `core`, or `core/testing` for `@tasktree/core/testing`, and the file that it names. */
interface Door {
  name: string
  file: string
}

/** Every door of every package, the main door of a package first. */
function listDoors(): Door[] {
  return globSync('*/package.json', { cwd: packages })
    .toSorted()
    .flatMap((manifest) => {
      const folder = dirname(manifest)
      const { exports } = JSON.parse(readFileSync(join(packages, manifest), 'utf8')) as {
        exports: Record<string, string | Record<string, string>>
      }
      return Object.entries(exports).flatMap(([path, target]) => {
        const source = typeof target === 'string' ? undefined : target['@tasktree/source']
        if (source === undefined) return []
        return [{ name: join(folder, path), file: join(packages, folder, source) }]
      })
    })
}

/** typedoc leaves out the type of `@throws {TypeError} when …`. So the compiler is given the docstring with that name as text. */
function keepThrownTypes(): void {
  const readFile = ts.sys.readFile.bind(ts.sys)
  ts.sys.readFile = (file, encoding) => {
    const text = readFile(file, encoding)
    if (!file.startsWith(packages)) return text
    return text?.replaceAll(/@throws \{(.+?)\}/g, '@throws `$1`')
  }
}

/** Writes the pages and `typedoc-sidebar.json` into `reference/api`. */
export async function buildReference(): Promise<void> {
  keepThrownTypes()
  const doors = listDoors()
  const app = await Application.bootstrapWithPlugins({
    entryPoints: doors.map(({ file }) => file),
    plugin: ['typedoc-plugin-markdown', 'typedoc-vitepress-theme'],
    tsconfig: join(docs, 'site/tsconfig.reference.json'),
    readme: 'none',
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    disableSources: true,
    skipErrorChecking: true,
    logLevel: 'Error',
    validation: false,
    ...({
      out: join(docs, 'reference/api'),
      docsRoot: docs,
      sanitizeComments: true,
      hidePageHeader: true,
      hideBreadcrumbs: true,
      entryFileName: 'index',
    } as object),
  })
  const names = new Map(doors.map(({ name, file }) => [file, name]))
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }: Context) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      const file = project.getSymbolIdFromReflection(module)?.fileName
      const name = file === undefined ? undefined : names.get(resolve(file))
      if (name !== undefined) module.name = name
    }
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('typedoc could not read the packages')
  await app.generateOutputs(project)
  if (app.logger.hasErrors()) throw new Error('typedoc could not write the reference')
}
