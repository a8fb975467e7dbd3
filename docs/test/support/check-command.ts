// Finds mistakes in the commands that the documents show, without running the commands.
import { execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Command, commands, read, root } from './documents.ts'

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly packageManager?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { optional?: boolean }>>
}

function readManifest(folder: string): Manifest {
  return JSON.parse(read(join(folder, 'package.json'))) as Manifest
}

/** The packages of the workspace by their names, each with its folder. */
const workspace: ReadonlyMap<string, { folder: string; manifest: Manifest }> = new Map(
  globSync(['package.json', '*/package.json', '{packages,apps}/*/package.json'], { cwd: root })
    .map((path) => dirname(path))
    .map((folder) => {
      const manifest = readManifest(folder)
      return [manifest.name, { folder, manifest }]
    }),
)

const rootManifest = readManifest('.')

/** Every package that some part of the workspace has installed, so that its name is right. */
const installed: ReadonlySet<string> = new Set(
  [...workspace.values()].flatMap(({ manifest }) =>
    Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }),
  ),
)

/** The commands of the packages, each with the file that runs it. */
const binaries: ReadonlyMap<string, string> = new Map(
  [...workspace.values()].flatMap(({ folder, manifest }) =>
    Object.entries(manifest.bin ?? {}).map(([name, file]) => [name, join(root, folder, file)]),
  ),
)

const helps = new Map<string, string | null>()

/** Returns the text that `--help` prints for a subcommand. Returns null if the program has no such subcommand. */
function helpOf(binary: string, subcommand?: string): string | null {
  const key = `${binary} ${subcommand}`
  const known = helps.get(key)
  if (known !== undefined) return known
  const words = subcommand === undefined ? ['--help'] : [subcommand, '--help']
  let help: string | null
  try {
    const program = [binaries.get(binary) as string, ...words]
    help = execFileSync(process.execPath, program, { encoding: 'utf8', stdio: 'pipe' })
  } catch {
    help = null
  }
  // A wrong subcommand shows the help of the whole program.
  if (subcommand !== undefined && help?.startsWith(`Usage: ${binary} ${subcommand}`) !== true) {
    help = null
  }
  helps.set(key, help)
  return help
}

const isFlag = (word: string): boolean => word.startsWith('-')

/** A command of ours, such as `jobd backup TARGET`. */
function checkOwn(binary: string, words: readonly string[]): string | null {
  if (!binaries.has(binary)) return `there is no command ${binary}`
  const [first, ...rest] = words
  if (first === undefined || first === '--help') return null
  if (isFlag(first)) {
    return helpOf(binary)?.includes(first) === true ? null : `${binary} has no ${first}`
  }
  const help = helpOf(binary, first)
  if (help === null) return `${binary} has no subcommand ${first}`
  const wrong = rest.filter((word) => isFlag(word) && !help.includes(word.split('=')[0] as string))
  return wrong.length === 0 ? null : `${binary} ${first} has no ${wrong.join()}`
}

function checkNpx(words: readonly string[], command: Command): string | null {
  const [name = '', ...rest] = words.filter((word, i) => !isFlag(word) || i > 2)
  if (name.startsWith('pnpm@')) {
    if (name !== rootManifest.packageManager)
      return `package.json pins ${rootManifest.packageManager}`
    return checkPnpm(rest, command)
  }
  const own = workspace.get(name)
  if (own === undefined) return installed.has(name) ? null : `${name} is not installed anywhere`
  const [binary] = Object.keys(own.manifest.bin ?? {})
  return binary === undefined ? `${name} has no command` : checkOwn(binary, rest)
}

function checkInstall(words: readonly string[], command: Command): string | null {
  const names = words.filter((word) => !isFlag(word))
  for (const name of names) {
    const own = workspace.get(name)
    if (own?.manifest.private === true) return `${name} is not published`
    if (own === undefined && !installed.has(name)) return `${name} is not installed anywhere`
  }
  // All commands of the document together install what each package of ours needs beside it.
  const all = new Set(
    commands.flatMap(({ document, words: each }) => (document === command.document ? each : [])),
  )
  for (const name of names) all.add(name)
  for (const name of names) {
    const { peerDependencies = {}, peerDependenciesMeta = {} } = workspace.get(name)?.manifest ?? {}
    const missing = Object.keys(peerDependencies).filter(
      (peer) => peerDependenciesMeta[peer]?.optional !== true && !all.has(peer),
    )
    if (missing.length > 0) return `${name} needs ${missing.join()} beside it`
  }
  return null
}

/** The manifests whose scripts a document may mean: that of its folder, those above it, and the root's. */
function scriptsFor({ folder }: Command): ReadonlySet<string> {
  const folders = [folder, dirname(folder), '.']
  return new Set(
    folders
      .filter((each) => existsSync(join(root, each, 'package.json')))
      .flatMap((each) => Object.keys(readManifest(each).scripts ?? {})),
  )
}

function checkScript(name: string, words: readonly string[], command: Command): string | null {
  if (!scriptsFor(command).has(name)) return `there is no script ${name}`
  const given = words[0] === '--' ? words[1] : undefined
  if (given === undefined) return null
  if (name === 'example') {
    const exists = globSync(`examples/src/*/${given}.ts`, { cwd: root }).length === 1
    return exists ? null : `there is no example ${given}`
  }
  if (name !== 'demo' || given === 'cluster') return null
  return checkOwn('jobd', words.slice(1))
}

function checkNpm([first = '', ...rest]: readonly string[], command: Command): string | null {
  if (first === 'install') return checkInstall(rest, command)
  if (first === 'run') return checkScript(rest[0] as string, rest.slice(1), command)
  if (first === 'test') return checkScript('test', rest, command)
  return ['init', 'pkg', 'ls'].includes(first) ? null : `npm ${first} is not known here`
}

function checkPnpm([first = '', ...rest]: readonly string[], command: Command): string | null {
  if (first === 'install' || first === '') return null
  if (first === 'exec') return checkExec(rest, command)
  if (first !== '--filter') return checkScript(first, rest, command)
  const [name = '', script = '', ...more] = rest
  const own = workspace.get(name.replace(/\.\.\.$/, ''))
  if (own === undefined) return `there is no package ${name}`
  const inside = { ...command, folder: own.folder }
  return script === 'exec' ? checkExec(more, inside) : checkScript(script, more, inside)
}

function checkExec([program = '', ...words]: readonly string[], command: Command): string | null {
  if (program === 'node') return checkNode(words, command)
  const folders = [command.folder, '.']
  if (!folders.some((folder) => existsSync(join(root, folder, 'node_modules/.bin', program)))) {
    return `${program} is not installed`
  }
  return checkFiles(words, command)
}

/** Files of the repository have a slash in their names. Others are those that a reader writes. */
function checkFiles(words: readonly string[], { folder }: Command): string | null {
  const missing = words.filter((word) => {
    if (!/^[\w.-]+\/[\w./-]+\.\w+$/.test(word) || word.endsWith('.gz')) return false
    const folders = [folder, dirname(folder), '.', 'runtimes']
    return !folders.some((each) => existsSync(join(root, each, word)))
  })
  return missing.length === 0 ? null : `there is no ${missing.join()}`
}

function checkNode(words: readonly string[], command: Command): string | null {
  return checkFiles(words, command)
}

/** Null if nothing is wrong. */
export function findProblem(command: Command): string | null {
  const [program = '', ...words] = command.words
  switch (program) {
    case 'npm':
      return checkNpm(words, command)
    case 'npx':
      return checkNpx(words, command)
    case 'pnpm':
      return checkPnpm(words, command)
    case 'node':
      return checkNode(words, command)
    default:
      // The tables of the benchmarks name their rows so.
      return command.document.startsWith('benchmarks/') ? null : checkOwn(program, words)
  }
}
