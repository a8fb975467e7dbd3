import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { assert, describe, test } from 'vitest'
import { firstDifference, printDifference } from '../src/scopes/comparison.ts'
import { generate } from '../src/scopes/generate.ts'
import { traceProgram } from '../src/scopes/interpreter.ts'
import { printProgram } from '../src/scopes/print.ts'
import type { Recorded } from '../src/scopes/program.ts'
import { findTrio, TrioOracle } from '../src/scopes/trio.ts'

const recordings = new URL('../trio/traces.jsonl.gz', import.meta.url)
const python = findTrio()
const freshPrograms = 100
/** The first seed of the new programs. No recorded program has this seed or a higher one. */
const firstFreshSeed = 50_000
const printed = 3

async function readRecordings(): Promise<Recorded[]> {
  const input = createReadStream(recordings).pipe(createGunzip())
  const programs: Recorded[] = []
  for await (const line of createInterface({ input })) programs.push(JSON.parse(line) as Recorded)
  return programs
}

async function differenceOf(recorded: Recorded): Promise<string[]> {
  const ours = await traceProgram(recorded)
  if (firstDifference(recorded.traces, ours) === null) return []
  const traces = printDifference(recorded.traces, ours)
  return [`seed ${recorded.seed}\n${printProgram(recorded.body)}\n\n  Trio | Tasktree\n${traces}`]
}

function assertNone(differences: string[], count: number): void {
  const summary = `${differences.length} of ${count} programs differ\n\n`
  assert(differences.length === 0, summary + differences.slice(0, printed).join('\n\n'))
}

describe('programs of cancel scopes', () => {
  test('leave the same traces as recorded under Trio', { tags: ['slow'] }, async () => {
    const programs = await readRecordings()
    const differences: string[] = []
    for (const recorded of programs) differences.push(...(await differenceOf(recorded)))
    assertNone(differences, programs.length)
  })

  test(
    'leave the same traces as the installed Trio, for new programs',
    { tags: ['slow'] },
    async (context) => {
      if (python === null) {
        context.skip('no Python with trio is installed (Debian: python3-trio)')
        return
      }
      using oracle = new TrioOracle(python)
      const differences: string[] = []
      let compared = 0
      for (let seed = firstFreshSeed; compared < freshPrograms; seed++) {
        const answer = await oracle.ask(generate(seed))
        if ('dropped' in answer) continue
        compared++
        differences.push(...(await differenceOf(answer)))
      }
      assertNone(differences, compared)
    },
  )
})
