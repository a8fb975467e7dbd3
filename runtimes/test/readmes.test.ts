// Every program of every README runs as it stands under the oldest supported Node.
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { programsOf } from '../../vitest.programs.ts'
import { testWhere } from '../../vitest.skips.ts'

const home = new URL('../', import.meta.url)
const root = new URL('../', home)
const isLinux = process.platform === 'linux' && process.arch === 'x64'

// jobd is a program, which says itself which Node it needs. Programs of nats need a server, and those of devtools another
// process: their packages run them.
const readmes = ['README.md', ...globSync('packages/*/README.md', { cwd: root })].filter(
  (readme) => !/jobd|nats|devtools/.test(readme),
)
const programs = readmes.flatMap((readme) => {
  const text = readFileSync(new URL(readme, root), 'utf8')
  return programsOf(text).map((program, i) => ({ name: `${readme}, program ${i + 1}`, program }))
})

testWhere(isLinux, 'the runtimes are installed for Linux on x64 only').for(programs)(
  'Node 22 runs $name',
  { tags: ['slow'] },
  async (readme) => {
    const node = fileURLToPath(new URL('node_modules/node22/bin/node', home))
    const args = ['--no-warnings', '--input-type=module-typescript', '--eval', readme.program]
    await promisify(execFile)(node, args, { cwd: home, timeout: 50_000 })
  },
)
