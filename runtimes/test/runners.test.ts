// Tests virtual time and leak checks under the test runners of Node, Bun and Deno. All three have the module `node:test`.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { testWhere } from '../../vitest.skips.ts'

const home = new URL('../', import.meta.url)
const isLinux = process.platform === 'linux' && process.arch === 'x64'

testWhere(isLinux, 'the runtimes are installed for Linux on x64 only').for([
  {
    name: 'node --test',
    binary: '../node_modules/node/bin/node',
    args: ['--test'],
    passed: /pass 3\b/,
  },
  { name: 'bun test', binary: 'node_modules/bun/bin/bun', args: ['test'], passed: /3 pass\n/ },
  {
    name: 'deno test',
    binary: 'node_modules/deno/deno',
    args: ['test', '--allow-all', '--no-check'],
    passed: /3 passed/,
  },
])(
  'runVirtual, watchLeaks and fake timers work under $name',
  { tags: ['slow'] },
  async ({ binary, args, passed }) => {
    const program = fileURLToPath(new URL(binary, home))
    const { stdout, stderr } = await promisify(execFile)(
      program,
      [...args, './runners/node.test.mjs'],
      {
        cwd: home,
        env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '' },
      },
    )
    expect(stdout + stderr).toMatch(passed)
  },
)
