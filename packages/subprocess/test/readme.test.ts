import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('the program of the README runs as it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, program] = /```ts\n([\s\S]*?)```/.exec(readme) as unknown as [string, string]
  const flags = [
    '--conditions=@tasktree/source',
    '--input-type=module-typescript',
    '--eval',
    program,
  ]
  const output = execFileSync(process.execPath, flags, {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  expect(output).toBe('0 hello\n')
})
