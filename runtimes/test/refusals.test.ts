// Tests that an import of a package throws an error with a clear message where the package cannot run: in an old Node, in a
// browser, and beside zone.js.
import { build } from 'esbuild'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { testWhere } from '../../vitest.skips.ts'

const home = new URL('../', import.meta.url)
const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', home))
const isLinux = process.platform === 'linux' && process.arch === 'x64'

/** Runs a program that must fail, and returns what it prints to stderr. */
async function failing(node: string, args: string[]): Promise<string> {
  const { stderr } = await promisify(execFile)(node, args, { cwd: home }).then(
    () => ({ stderr: 'it did not fail' }),
    (error: { stderr: string }) => error,
  )
  return stderr
}

const program = (name: string): string[] => [
  '--input-type=module',
  '--eval',
  `import { run, sleep } from '@tasktree/core'; import '@tasktree/${name}'; await run(() => sleep(1))`,
]

const packages = ['core', 'sync', 'streams', 'net', 'subprocess', 'executor', 'actor']

testWhere(isLinux, 'the runtimes are installed for Linux on x64 only').each(packages)(
  'the import of %s in Node 20 throws an error that names the Node that it needs',
  async (name) => {
    const node = fileURLToPath(new URL('node_modules/node20/bin/node', home))
    expect(await failing(node, program(name))).toMatch(
      /^Error: @tasktree\/core needs Node 22 or later, Bun or Deno; this is Node 20\.[\d.]+$/m,
    )
  },
)

test.each(packages)(
  'the import of %s under the condition "browser" throws an error that says that it does not run there',
  async (name) => {
    expect(await failing(pinned, ['--conditions=browser', ...program(name)])).toMatch(
      /^Error: @tasktree\/core does not run in browsers: it needs AsyncLocalStorage/m,
    )
  },
)

test('a bundle for browsers throws an error when it is loaded, which says that core does not run there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tasktree-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const outfile = join(folder, 'bundle.mjs')
  await build({
    stdin: {
      contents: `import { run, sleep } from '@tasktree/core'; run(() => sleep(1))`,
      resolveDir: fileURLToPath(home),
    },
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    outfile,
  })
  expect(await failing(pinned, [outfile])).toMatch(
    /^Error: @tasktree\/core does not run in browsers/m,
  )
})

test('when zone.js has replaced the global Promise, core refuses to run and names zone.js', async () => {
  const zone = `import 'zone.js'; await import('@tasktree/core')`
  expect(await failing(pinned, ['--input-type=module', '--eval', zone])).toMatch(
    /^Error: zone\.js has replaced the global Promise\. Tasktree needs the engine's own/m,
  )
  const late = `import { run, sleep } from '@tasktree/core'; await import('zone.js'); await run(() => sleep(1))`
  expect(await failing(pinned, ['--input-type=module', '--eval', late])).toMatch(
    /^Error: zone\.js has replaced the global Promise/m,
  )
})
