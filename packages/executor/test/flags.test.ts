// Tests which flags of Node a worker gets from its program: the flags that decide which files an import loads, and no flags that are
// about the program.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundled } from './support/bundled.ts'
import { kinds } from './support/kinds.ts'

const program = fileURLToPath(bundled('program.js'))
const text = `import(${JSON.stringify(bundled('program.js').href)})`
/** Marks a program that Node gets as text. Such a program has no path in its arguments. */
const asText = 'text'
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tasktree-flags-'))
  const which = join(folder, 'node_modules/which')
  await mkdir(which, { recursive: true })
  const exports = { condition: './with.js', default: './without.js' }
  await writeFile(join(which, 'package.json'), JSON.stringify({ type: 'module', exports }))
  await writeFile(join(which, 'with.js'), "export default 'with'")
  await writeFile(join(which, 'without.js'), "export default 'without'")
  await writeFile(
    join(folder, 'entry.mjs'),
    `import { appendFileSync } from 'node:fs'
    import which from 'which'
    appendFileSync(process.env.SEEN, which + '\\n')
    await import(${JSON.stringify(bundled('worker-entry.js').href)})`,
  )
})

afterAll(() => rm(folder, { recursive: true }))

const programs: string[][] = [
  ['--conditions=condition', program],
  ['--conditions', 'condition', program],
  ['-C', 'condition', program],
  ['--conditions=condition', '--inspect-port', '0', program],
  ['--conditions=condition', '--test-name-pattern', 'some', program],
  ['--conditions=condition', '--eval', text, asText],
  ['--conditions=condition', `--eval=${text}`, asText],
  ['--conditions', 'condition', '--input-type=module', '--eval', text, asText],
  ['-C', 'condition', '--input-type', 'module', '-e', text, asText],
]

test.for(
  programs.flatMap((flags) =>
    kinds.map(({ name }) => ({
      name,
      shown: flags.map((flag) => flag.replace(text, 'text').replace(program, 'program')).join(' '),
      flags,
    })),
  ),
)(
  'workers of a pool of $name resolve imports by the conditions of their program: node $shown',
  { tags: ['slow'] },
  async ({ name, flags }) => {
    const seen = join(folder, `${name}-${programs.indexOf(flags)}`)
    await writeFile(seen, '')
    const env = {
      ...process.env,
      WORKER_ENTRY: pathToFileURL(join(folder, 'entry.mjs')).href,
      SEEN: seen,
    }
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, 'flags', name], {
      env,
    })
    expect(stdout).toBe(name === 'threads' ? 'with\n' : 'with with\n')
  },
)
