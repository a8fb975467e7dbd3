import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { assert, describe, test } from 'vitest'

const execute = promisify(execFile)
const home = new URL('../', import.meta.url)

const programs = readdirSync(new URL('smoke/', home)).filter((name) => name.endsWith('.mjs'))
const runtimes = [
  { name: 'Node 22', binary: 'node_modules/node22/bin/node', args: [] },
  { name: 'Node 24', binary: 'node_modules/node24/bin/node', args: [] },
  { name: 'the pinned Node', binary: '../node_modules/node/bin/node', args: [] },
  { name: 'Bun', binary: 'node_modules/bun/bin/bun', args: ['run'] },
  { name: 'Deno', binary: 'node_modules/deno/deno', args: ['run', '--allow-all'] },
]

// The packages that hold the binaries exist for this platform alone.
const here = process.platform === 'linux' && process.arch === 'x64'

for (const { name, binary, args } of runtimes) {
  describe.skipIf(!here)(name, () => {
    test.for(programs)('runs smoke/%s', { timeout: 60_000 }, async (program) => {
      const path = new URL(binary, home).pathname
      assert(existsSync(path), `${name} is not installed: runtimes/${binary} is missing; install again`)
      await execute(path, [...args, `smoke/${program}`], { cwd: home, timeout: 50_000 })
    })
  })
}
