import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkTypes, execute, installApp } from '../../../vitest.installed.ts'
import { outputInTime, programsOf } from '../../../vitest.programs.ts'

test(
  'the first program of the README runs and type-checks with only the packed core and flow',
  { tags: ['slow'] },
  async () => {
    const [program] = programsOf(readFileSync(join(import.meta.dirname, '../README.md'), 'utf8'))
    const app = await installApp(['core', 'flow'], program as string)
    const output =
      'done with a.example\ndone with b.example\ndone with c.example\ndone with slow.example\nTimeoutError\n'
    expect(await outputInTime(output, () => execute(app, process.execPath, 'main.ts'))).toBe(output)
    await checkTypes(app)
  },
)
