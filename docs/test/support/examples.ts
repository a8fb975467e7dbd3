// The examples in the docstrings of the packages.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'
import { compilerOptions } from './check-types.ts'
import { docs } from './pages.ts'

const packages = resolve(docs, '../packages')

/** A way into a package, such as `@tasktree/core/testing`, and what it exports. */
export interface Door {
  readonly name: string
  readonly file: string
  /** False for the doors that are for packages such as ours, or that no program imports. */
  readonly isForUsers: boolean
  readonly exports: readonly Export[]
}

export interface Export {
  readonly name: string
  /** Functions, constants that can be called, and classes other than errors. Other exports need no example. */
  readonly needsExample: boolean
  readonly hasExample: boolean
  /** Whether it exists when a program runs. */
  readonly isValue: boolean
}

/** An `@example` of a docstring. */
export interface Example {
  /** Where it is, as in 'core/src/run/run.ts:20'. */
  readonly name: string
  readonly package: string
  /** The door whose names the example may use without an import. */
  readonly door: Door
  readonly code: string
}

function listDoors(): { name: string; file: string }[] {
  return globSync('*/package.json', { cwd: packages })
    .toSorted()
    .flatMap((manifest) => {
      const { name, exports } = JSON.parse(readFileSync(join(packages, manifest), 'utf8')) as {
        name: string
        exports: Record<string, string | Record<string, string>>
      }
      return Object.entries(exports).flatMap(([path, target]) => {
        const source = typeof target === 'string' ? undefined : target['@tasktree/source']
        if (source === undefined) return []
        return [{ name: join(name, path), file: join(packages, dirname(manifest), source) }]
      })
    })
}

function isError(type: ts.Type): boolean {
  return (
    type.symbol?.name === 'Error' || type.getBaseTypes()?.some((base) => isError(base)) === true
  )
}

function describeExport(checker: ts.TypeChecker, exported: ts.Symbol): Export {
  const symbol =
    exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
  const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0
  const isClass = (symbol.flags & ts.SymbolFlags.Class) !== 0
  const canBeCalled = isValue && checker.getTypeOfSymbol(symbol).getCallSignatures().length > 0
  return {
    name: exported.name,
    isValue,
    needsExample: canBeCalled || (isClass && !isError(checker.getDeclaredTypeOfSymbol(symbol))),
    hasExample: symbol.getJsDocTags(checker).some(({ name }) => name === 'example'),
  }
}

/** Every door of every package. */
export function readDoors(): Door[] {
  const doors = listDoors()
  const program = ts.createProgram(
    doors.map(({ file }) => file),
    compilerOptions(),
  )
  const checker = program.getTypeChecker()
  return doors.map(({ name, file }) => {
    const source = program.getSourceFile(file)
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`${file} exports nothing`)
    const exports = checker.getExportsOfModule(module).map((each) => describeExport(checker, each))
    return { name, file, exports, isForUsers: !/\/(lowlevel|worker-entry)$/.test(name) }
  })
}

/** The code after each `@example` of a file: the lines that are indented by four spaces. */
function codesIn(text: string): { line: number; code: string }[] {
  return [...text.matchAll(/^ *\/\*\*[\s\S]*?\*\//gm)].flatMap((comment) => {
    const lines = comment[0].split('\n').map((line) => line.replace(/^ *\*( |\/?$)/, ''))
    return lines.flatMap((line, i) => {
      if (!line.startsWith('@example')) return []
      const end = lines.findIndex((each, j) => j > i && each !== '' && !each.startsWith('    '))
      const code = lines.slice(i + 1, end === -1 ? undefined : end)
      return {
        line: text.slice(0, comment.index).split('\n').length + i,
        code: code
          .map((each) => each.slice(4))
          .join('\n')
          .trimEnd(),
      }
    })
  })
}

/** The door that the example is for: the one that is called like its file, or else the main door of the package. */
function doorOf(doors: readonly Door[], file: string): Door {
  const folder = join(packages, file.split('/')[0] as string)
  const own = doors.filter((door) => door.file.startsWith(`${folder}/`))
  const path = join(packages, file)
  const beside = own.find(
    (door) => door.file === path || path.startsWith(`${door.file.replace(/\.ts$/, '')}/`),
  )
  return beside ?? (own.find((door) => door.file.endsWith('/src/index.ts')) as Door)
}

/** Every example of the source, those of methods and of the doors for packages too. */
export function readExamples(doors: readonly Door[]): Example[] {
  return globSync('*/src/**/*.ts', { cwd: packages })
    .map((file) => file.replaceAll('\\', '/'))
    .toSorted()
    .flatMap((file) =>
      codesIn(readFileSync(join(packages, file), 'utf8')).map(({ line, code }) => ({
        name: `${file}:${line}`,
        package: file.split('/')[0] as string,
        door: doorOf(doors, file),
        code,
      })),
    )
}

/** The folder in which the example finds what it imports. */
export function homeOf(example: Example): string {
  const isKnownHere = existsSync(join(docs, 'node_modules/@tasktree', example.package))
  return isKnownHere ? docs : join(packages, example.package, 'test')
}

/** A name for a file with the whole example, in that folder. */
export function fileOf(example: Example): string {
  return join(homeOf(example), `${example.name.replaceAll(/[^\w.-]+/g, '_')}.ts`)
}

const importLine = /^import .*?'$/gms

/** The names that the code uses, and does not take from an object. */
function namesIn(code: string): Set<string> {
  const withoutText = code.replaceAll(/\/\/.*$/gm, '').replaceAll(/'[^'\n]*'/g, "''")
  return new Set(withoutText.match(/(?<![\w$]|(?<!\.\.)\.)[A-Za-z_$][\w$]*/g))
}

/** Whether the example starts a loop itself. All others are the body of a task. */
function isProgram(code: string): boolean {
  return /\b(?:runMain|runVirtual|explore|Runner|newEventLoop)\(|(?<![.\w])run\((?:async|main)|\bit[.(]/.test(
    code,
  )
}

/** Where a name comes from that an example uses without an import, and the names that it takes from there. */
export interface Given {
  readonly from: string
  readonly names: readonly string[]
}

/** The example as a whole: what it imports, what it is given, and its body. */
export interface Whole {
  readonly imports: readonly string[]
  readonly given: readonly Given[]
  readonly body: string
}

/**
 * Adds what the example leaves out. It may use the names of its own door, and those of core, without an import. A few more
 * names stand for things that a reader's own program has.
 */
export function complete(
  example: Example,
  doors: readonly Door[],
  own: { readonly file: string; readonly names: readonly string[] },
): Whole {
  const { code, door } = example
  const imports = code.match(importLine) ?? []
  const body = code.replaceAll(importLine, '').trim()
  const declared = [...code.matchAll(/\b(?:const|let|class|function\*?|interface) (\w+|\$)/g)].map(
    (match) => match[1] as string,
  )
  const left = namesIn(body)
  for (const name of [...declared, ...namesIn(imports.join('\n'))]) left.delete(name)
  const lowlevel = exportsOf(doors, `@tasktree/${example.package}/lowlevel`)
  const sources = [
    { from: door.name, names: door.exports.map(({ name }) => name) },
    { from: '@tasktree/core', names: exportsOf(doors, '@tasktree/core') },
    { from: `@tasktree/${example.package}/lowlevel`, names: lowlevel },
    { from: own.file, names: own.names },
  ]
  const given = sources.map(({ from, names }): Given => {
    const taken = names.filter((name) => left.delete(name))
    return { from, names: taken }
  })
  return {
    imports,
    given: given.filter(({ names }) => names.length > 0),
    body: isProgram(code)
      ? body
      : `await (await import('@tasktree/core')).run(async () => {\n${body}\n})`,
  }
}

function exportsOf(doors: readonly Door[], name: string): string[] {
  return doors.find((door) => door.name === name)?.exports.map((each) => each.name) ?? []
}

/** The whole as the text of a module, for the compiler. */
export function asModule({ imports, given, body }: Whole): string {
  const lines = given.map(({ from, names }) => `import { ${names.join(', ')} } from '${from}'`)
  return `${[...lines, ...imports, body].join('\n')}\nexport {}\n`
}

/** The whole as the body of an async function, so that one process can run many of them. */
export function asFunctionBody({ imports, given, body }: Whole, isValue: IsValue): string {
  const lines = given.map(({ from, names }) => {
    const values = names.filter((name) => isValue(from, name))
    return `const { ${values.join(', ')} } = await import('${from}')`
  })
  return [...lines, ...imports.map((line) => dynamicImport(line)), body].join('\n')
}

export type IsValue = (from: string, name: string) => boolean

function dynamicImport(line: string): string {
  const [, words, from] = /^import (.*?) from '(.*)'$/s.exec(line) ?? []
  if (words === undefined) return `await import('${/'(.*)'/.exec(line)?.[1]}')`
  if (words.startsWith('type ')) return ''
  const [, main, named = ''] = /^([\w$]+)?(?:, )?(?:\{(.*)\})?$/s.exec(words) ?? []
  const names = named
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
    .map((name) => name.replace(' as ', ': '))
  if (main !== undefined) names.unshift(`default: ${main}`)
  return `const { ${names.join(', ')} } = await import('${from}')`
}

/**
 * The lines that an example says it prints: the comment behind each `console.log`, or on the lines after it. "1, then 2" is
 * two lines. Null for a `console.log` without a comment.
 */
export function saidOutput(code: string): (string | null)[] {
  const lines = code.split('\n')
  return lines.flatMap((line, i) => {
    if (!/(?<!\/\/.*)console\.log\(/.test(line)) return []
    const behind = /\S.*?\s\/\/ (.*)$/.exec(line)?.[1]
    if (behind !== undefined) return behind.split(', then ')
    const end = lines.findIndex((each, j) => j > i && !each.trim().startsWith('// '))
    const below = lines.slice(i + 1, end === -1 ? undefined : end)
    return below.length === 0 ? [null] : below.map((each) => each.trim().slice(3))
  })
}
