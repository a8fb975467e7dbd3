// The package managers that are tested. Each can install packages from a registry into an app, and run a program of that app.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const home = fileURLToPath(new URL('../', import.meta.url))
const isWindows = process.platform === 'win32'

/** The registry to install from, and a folder for the caches of the package managers. They must not use the caches of the user. */
export interface Source {
  readonly url: string
  readonly caches: string
}

export interface PackageManager {
  readonly name: string
  /** Whether this package manager comes from an npm package that exists for Linux on x64 only. */
  readonly onLinuxOnly: boolean
  install(app: string, packages: readonly string[], source: Source): Promise<unknown>
  /** Runs `program`, the text of a TypeScript module, and returns what it prints. */
  run(app: string, program: string): Promise<string>
  /** Runs a command of an installed package, and returns what it prints. */
  command(app: string, name: string, ...args: string[]): Promise<string>
}

/** Runs a program and returns what it prints. If the program fails, the error contains its output. */
async function execute(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  // On Windows the commands of npm and pnpm are scripts, and only a shell can start a script.
  const shell = isWindows && command !== process.execPath
  const options = { cwd, shell, env: { ...process.env, ...env }, timeout: 170_000 }
  const ended = promisify(execFile)(command, args, options)
  const { stdout } = await ended.catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${command} ${args.join(' ')} failed: ${error.stderr}${error.stdout}`, {
      cause: error,
    })
  })
  return stdout
}

/** Makes an empty app in the folder. */
export async function makeApp(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'package.json'),
    '{ "name": "app", "private": true, "type": "module" }\n',
  )
}

const typescript = ['--no-warnings', '--input-type=module-typescript', '--eval']

const withNode: Pick<PackageManager, 'onLinuxOnly' | 'run' | 'command'> = {
  onLinuxOnly: false,
  run: (app, program) => execute(app, process.execPath, [...typescript, program]),
  command: (app, name, ...args) => {
    const path = [join(process.execPath, '..'), process.env['PATH']].join(delimiter)
    return execute(app, join('node_modules', '.bin', name), args, { PATH: path })
  },
}

function yarn(app: string, linker: string, args: string[], source?: Source): Promise<string> {
  const program = join(home, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js')
  return execute(app, process.execPath, [program, ...args], {
    YARN_NODE_LINKER: linker,
    YARN_ENABLE_TELEMETRY: '0',
    YARN_NPM_MINIMAL_AGE_GATE: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    ...(source === undefined
      ? {}
      : {
          YARN_NPM_REGISTRY_SERVER: source.url,
          YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
          YARN_GLOBAL_FOLDER: join(source.caches, 'yarn'),
        }),
  })
}

async function installByYarn(
  app: string,
  linker: string,
  packages: readonly string[],
  source: Source,
): Promise<void> {
  // Yarn takes a folder without a lock file for a part of the project around it.
  await writeFile(join(app, 'yarn.lock'), '')
  // Yarn later runs programs without the registry. It then needs its cache, which this file therefore puts into the app.
  await writeFile(
    join(app, '.yarnrc.yml'),
    `enableGlobalCache: false\ncacheFolder: .yarn-cache\nnodeLinker: ${linker}\n`,
  )
  await yarn(app, linker, ['add', ...packages], source)
}

export const npm: PackageManager = {
  ...withNode,
  name: 'npm',
  install: (app, packages, { url, caches }) => {
    const flags = ['--no-audit', '--no-fund', '--no-update-notifier']
    const where = ['--registry', url, '--cache', join(caches, 'npm')]
    return execute(app, 'npm', ['install', ...flags, ...where, ...packages])
  },
}

const pnpm: PackageManager = {
  ...withNode,
  name: 'pnpm',
  install: (app, packages, { url, caches }) =>
    execute(app, 'pnpm', [
      'add',
      '--registry',
      url,
      '--store-dir',
      join(caches, 'pnpm'),
      ...packages,
    ]),
}

const yarnWithModules: PackageManager = {
  ...withNode,
  name: 'yarn with node_modules',
  install: (app, packages, source) => installByYarn(app, 'node-modules', packages, source),
}

const yarnPlugAndPlay: PackageManager = {
  name: 'yarn with Plug and Play',
  onLinuxOnly: false,
  install: (app, packages, source) => installByYarn(app, 'pnp', packages, source),
  run: (app, program) => yarn(app, 'pnp', ['node', ...typescript, program]),
  command: (app, name, ...args) => yarn(app, 'pnp', ['run', name, ...args]),
}

const bunProgram = join(home, 'node_modules/bun/bin/bun')

const bun: PackageManager = {
  name: 'bun',
  onLinuxOnly: true,
  install: (app, packages, { url, caches }) =>
    execute(app, bunProgram, ['add', ...packages], {
      npm_config_registry: url,
      BUN_INSTALL_CACHE_DIR: join(caches, 'bun'),
    }),
  run: (app, program) => execute(app, bunProgram, ['--eval', program]),
  command: (app, name, ...args) =>
    execute(app, bunProgram, ['run', '--bun', join('node_modules/.bin', name), ...args]),
}

const denoProgram = join(home, 'node_modules/deno/deno')

const deno: PackageManager = {
  name: 'deno',
  onLinuxOnly: true,
  install: (app, packages, { url, caches }) =>
    execute(app, denoProgram, ['add', ...packages.map((name) => `npm:${name}`)], {
      NPM_CONFIG_REGISTRY: url,
      DENO_DIR: join(caches, 'deno'),
    }),
  run: async (app, program) => {
    const file = `${randomUUID()}.ts`
    await writeFile(join(app, file), program)
    return execute(app, denoProgram, ['run', '--allow-all', file])
  },
  command: withNode.command,
}

export const packageManagers: readonly PackageManager[] = [
  npm,
  pnpm,
  yarnWithModules,
  yarnPlugAndPlay,
  bun,
  deno,
]
