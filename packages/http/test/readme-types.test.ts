// Tests that the programs of the README compile in strict mode, against the built packages if the packages are built.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compilerErrors, programsOf } from '../../../vitest.programs.ts'

const folder = join(import.meta.dirname, '..')

test('the programs of the README compile in strict mode', { tags: ['slow'] }, async () => {
  const programs = programsOf(readFileSync(join(folder, 'README.md'), 'utf8'))
  expect(programs.length).toBeGreaterThan(6)
  expect(await compilerErrors(programs, folder, ['core', 'http'])).toBe('')
})
