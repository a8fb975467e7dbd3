// Writes the API pages from the docstrings of the source: a folder for each entry point of a package, which is called a door here.
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

/**
 * Puts the code of each `@example` between fences. Without fences, typedoc would take everything up to the end of the docstring
 * for code.
 */
function fenceExamples(text: string): string {
  return text.replaceAll(
    /^( *\*) @example\n((?:\1(?: {5}.*)?\n)+)/gm,
    (_, star: string, lines: string) => {
      const code = lines
        .replaceAll(`${star}     `, `${star} `)
        .trimEnd()
        .replace(/(\n *\*)+$/, '')
      return `${star} @example\n${star} \`\`\`ts\n${code}\n${star} \`\`\`\n${star}\n`
    },
  )
}

/** Gives the compiler the docstrings of the packages in a form that typedoc shows in full. */
function adaptDocstrings(): void {
  const readFile = ts.sys.readFile.bind(ts.sys)
  ts.sys.readFile = (file, encoding) => {
    const text = readFile(file, encoding)
    if (text === undefined || !file.startsWith(packages)) return text
    // typedoc leaves out the type of `@throws {TypeError} when …`, but not the same name as text.
    return fenceExamples(text).replaceAll(/@throws \{(.+?)\}/g, '@throws `$1`')
  }
}

/** Writes the pages and `typedoc-sidebar.json` into `reference/api`. */
export async function buildReference(): Promise<void> {
  adaptDocstrings()
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
