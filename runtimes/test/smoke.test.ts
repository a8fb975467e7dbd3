import { fileURLToPath } from 'node:url'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { assert } from 'vitest'
import { testWhere } from '../../vitest.skips.ts'

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

// The npm packages that contain the binaries of these runtimes exist for Linux on x64 only.
const here = process.platform === 'linux' && process.arch === 'x64'

const cases = runtimes.flatMap(({ name, binary, args }) =>
  programs.map((program) => ({ name, binary, args, program })),
)

testWhere(here, 'the runtimes are installed for Linux on x64 only').for(cases)(
  '$name runs smoke/$program without an error',
  { tags: ['slow'] },
  async (run) => {
    const binary = fileURLToPath(new URL(run.binary, home))
    assert(existsSync(binary), `${run.name} is not installed: runtimes/${run.binary} is missing`)
    await execute(binary, [...run.args, `smoke/${run.program}`], { cwd: home, timeout: 50_000 })
  },
)
