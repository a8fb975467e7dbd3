// Rehearses a release: publishes every package to a registry of the test, installs the packages from there with each package
// manager, and runs the programs of their READMEs. With the environment variable `TASKTREE_INSTALL_ALL=1` the programs run with
// every package manager, and otherwise only with npm.
import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NatsServer, withoutServer } from '../../packages/nats/test/support/server.ts'
import { installedBy } from '../../scripts/check-release.ts'
import { programsOf } from '../../vitest.programs.ts'
import { testWhere } from '../../vitest.skips.ts'
import {
  makeApp,
  npm,
  type PackageManager,
  packageManagers,
  type Source,
} from '../installed/package-managers.ts'
import { LocalRegistry } from '../installed/registry.ts'

const home = new URL('../', import.meta.url)
const root = fileURLToPath(new URL('../', home))
const isLinux = process.platform === 'linux' && process.arch === 'x64'
const linuxOnly = 'the runtimes are installed for Linux on x64 only'
const needsLinux = testWhere(isLinux, linuxOnly)

const folders = globSync('packages/*', { cwd: root }).toSorted()

let registry: LocalRegistry
let work: string
let source: Source

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'tasktree-release-'))
  registry = await LocalRegistry.start(join(root, 'node_modules/.pnpm'))
  source = { url: registry.url, caches: join(work, 'caches') }
  const config = join(work, 'npmrc')
  await writeFile(config, `${registry.url.replace('http:', '')}:_authToken=none\n`)
  const flags = ['--no-git-checks', '--access', 'public', '--registry', registry.url]
  await promisify(execFile)('pnpm', ['-r', '--filter', './packages/*', 'publish', ...flags], {
    cwd: root,
    shell: process.platform === 'win32',
    env: { ...process.env, npm_config_userconfig: config },
  })
}, 180_000)

afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await rm(work, { recursive: true })
})

/** Makes a new app and installs the packages in it. Returns the folder of the app. */
async function install(manager: PackageManager, packages: readonly string[]): Promise<string> {
  // On Windows npm is a script, which only a shell can start. The shell would read a folder name with a space as two words.
  const name = process.platform === 'win32' ? 'app-' : 'app with a space-'
  const app = await mkdtemp(join(work, name))
  await makeApp(app)
  await manager.install(app, packages, source)
  return app
}

test.each(folders.map((folder) => basename(folder)))(
  '%s is published with a license and an author, and without scripts and workspace ranges',
  (name) => {
    const manifest = registry.published.get(`@tasktree/${name}`)
    expect(manifest).toMatchObject({ license: 'MIT', author: expect.any(String) })
    expect(JSON.stringify(manifest)).not.toMatch(/workspace:|@tasktree\/source|"scripts":\{"/)
  },
)

test('package.json depends on every package, so that turbo builds them before these tests', () => {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', home), 'utf8')) as {
    dependencies: Record<string, string>
  }
  expect(Object.keys(dependencies)).toEqual(
    folders.map((folder) => `@tasktree/${basename(folder)}`),
  )
})

/** Returns the names of all packages, and of the peer dependencies that an app must install with them. */
function allPackages(): string[] {
  const manifests = [...registry.published.values()]
  const peers = manifests.flatMap(({ peerDependencies = {}, peerDependenciesMeta = {} }) =>
    Object.keys(peerDependencies as object).filter((peer) => !(peer in peerDependenciesMeta)),
  )
  return [...new Set([...registry.published.keys(), ...peers])]
}

/**
 * Returns a program that imports every entry point ("door") of every package, except those for linters and test runners.
 */
function openDoors(): string {
  const doors = [...registry.published.values()].flatMap(({ name, exports }) =>
    Object.entries(exports as Record<string, unknown>)
      .filter(([path, target]) => typeof target === 'object' && path !== './vitest')
      .map(([path]) => posix.join(name, path)),
  )
  return `
    const doors = await Promise.all(${JSON.stringify(doors)}.map((door) => import(door)))
    const { createTask, run, sleep } = await import('@tasktree/core')
    const { Queue } = await import('@tasktree/sync')
    await run(async () => {
      const queue = new Queue()
      createTask(async () => queue.put(doors.length))
      console.log(await queue.get(), 'doors are open')
    })`
}

describe.each(packageManagers)('$name', (manager) => {
  const isHere = isLinux || !manager.onLinuxOnly
  const testHere = testWhere(isHere, 'this package manager is installed for Linux on x64 only')

  testHere(
    'installs all packages in an app, and every entry point of them can be imported',
    { tags: ['slow'], timeout: 180_000 },
    async () => {
      const app = await install(manager, allPackages())
      expect(await manager.run(app, openDoors())).toMatch(/^\d\d doors are open\n$/)
      expect(await manager.command(app, 'jobd', '--help')).toContain('Usage: jobd')
      expect(await manager.command(app, 'tasktree', '--help')).toContain('Usage: tasktree')
    },
  )
})

interface Readme {
  readonly name: string
  /** The packages that the install lines of the README name. */
  readonly packages: readonly string[]
  readonly programs: readonly string[]
}

// Three READMEs are left out. jobd is a program of its own, and its README says which Node it needs. The programs of devtools
// need a second process, so the tests of devtools run them. The README of the ESLint plugin has no program.
const readmes: Readme[] = ['README.md', ...folders.map((folder) => join(folder, 'README.md'))]
  .filter((file) => !/jobd|devtools|eslint/.test(file))
  .map((name) => {
    const text = readFileSync(join(root, name), 'utf8')
    return { name, packages: installedBy(text), programs: programsOf(text) }
  })

test.each(readmes)('$name has an install line that names core', ({ packages }) => {
  expect(packages).toContain('@tasktree/core')
})

/** The frameworks that programs in the README of http use. A reader who runs such a program has installed the framework. */
const frameworks = ['@hono', 'express', 'fastify', 'hono', 'ws']

describe('with the install line of its README alone', () => {
  let server: NatsServer | null = null
  beforeAll(async () => {
    if (withoutServer === false) server = await NatsServer.start()
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  async function runPrograms(
    { name, packages, programs }: Readme,
    manager: PackageManager,
    run: (app: string, program: string) => Promise<unknown>,
  ): Promise<void> {
    const app = await install(manager, packages)
    if (/http/.test(name)) {
      for (const framework of frameworks) {
        const target = join(app, 'node_modules', framework)
        if (existsSync(target)) continue
        await symlink(fileURLToPath(new URL(`node_modules/${framework}`, home)), target, 'junction')
      }
    }
    // The programs run one after another. Some of them print what comes first, which a busy machine could change.
    for (const program of programs) await run(app, program)
  }

  const withServer = testWhere(isLinux && withoutServer === false, withoutServer || linuxOnly)

  for (const readme of readmes) {
    const testHere = /nats/.test(readme.name) ? withServer : needsLinux
    testHere(
      `Node 22 runs the programs of ${readme.name}`,
      { tags: ['slow'], timeout: 120_000 },
      () =>
        runPrograms(readme, npm, async (app, program) => {
          const node = fileURLToPath(new URL('node_modules/node22/bin/node', home))
          const args = ['--no-warnings', '--input-type=module-typescript', '--eval', program]
          const env = { ...process.env, ...(server === null ? {} : { NATS_URL: server.url }) }
          await promisify(execFile)(node, args, { cwd: app, timeout: 50_000, env })
        }),
    )
  }

  const isWhole = process.env['TASKTREE_INSTALL_ALL'] === '1'
  const others = packageManagers.filter((manager) => manager !== npm)
  // The programs of http need the frameworks, and the programs of nats need a server. The programs of executor need processes,
  // which its pools do not support under Bun and Deno.
  const alone = readmes.filter(({ name }) => !/http|nats/.test(name))
  const pairs = others.flatMap((manager) => alone.map((readme) => ({ manager, readme })))
  const runnable = pairs.filter(
    ({ manager, readme }) => !(manager.onLinuxOnly && readme.name.includes('executor')),
  )
  // These tests take minutes, so an ordinary run leaves them out.
  needsLinux.each(isWhole ? runnable : [])(
    'the programs of $readme.name run where $manager.name has installed them',
    { tags: ['slow'], timeout: 120_000 },
    ({ manager, readme }) =>
      runPrograms(readme, manager, (app, program) => manager.run(app, program)),
  )
})
