import { fileURLToPath } from 'node:url'
import { readdirSync } from 'node:fs'
import { assert, describe, test } from 'vitest'
import { differenceOf } from '../src/comparison.ts'
import type { Recorded } from '../src/program.ts'
import { readTraces } from '../src/traces.ts'

const folder = fileURLToPath(new URL('../traces/', import.meta.url))
/** Each test runs this many programs. There are few tests then, and a test that fails still tells roughly which program fails. */
const chunk = 250
const printed = 3

for (const file of readdirSync(folder).toSorted()) {
  const programs: Recorded[] = []
  for await (const recorded of readTraces(`${folder}${file}`)) programs.push(recorded)
  describe(`the programs of ${file}`, () => {
    for (let start = 0; start < programs.length; start += chunk) {
      const part = programs.slice(start, start + chunk)
      test(
        `${start + 1} to ${start + part.length} leave the traces that CPython left`,
        { tags: ['slow'] },
        async () => {
          const differences: string[] = []
          for (const recorded of part) {
            const difference = await differenceOf(recorded)
            if (difference !== null) differences.push(difference)
          }
          const summary = `${differences.length} of ${part.length} programs differ\n\n`
          assert(differences.length === 0, summary + differences.slice(0, printed).join('\n\n'))
        },
      )
    }
  })
}
