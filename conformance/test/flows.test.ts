import { assert, describe, test } from 'vitest'
import { type DrawOptions, generate } from '../src/flows/generate.ts'
import { printProgram } from '../src/flows/print.ts'
import type { Mode } from '../src/flows/program.ts'
import type { Report } from '../src/flows/run.ts'
import type { Request } from '../src/flows/worker.ts'
import { IsolatedRunner } from '../src/isolated.ts'

/** Each test runs this many programs. There are few tests then, and a test that fails still tells roughly which program fails. */
const chunk = 200
/** The tests run the programs of the seeds from `firstSeed` to `lastSeed`. `node src/flows.ts` runs any other seeds. */
const firstSeed = 201
const lastSeed = 400
const realPrograms = 20
const printed = 3
/** A program that takes more milliseconds than this hangs. A program takes a few milliseconds, or a second in real time. */
const patience = 5_000

async function check(
  first: number,
  count: number,
  mode: Mode,
  options: Partial<DrawOptions> = {},
): Promise<void> {
  // The programs run in a worker thread, because in its own thread the test runner counts every unhandled rejection as a failure.
  await using runner = new IsolatedRunner<Request, Report>(
    new URL('../src/flows/worker.ts', import.meta.url),
  )
  const failures: string[] = []
  for (let seed = first; seed < first + count; seed++) {
    const longest = mode === 'real' ? 12 : 30
    const program = generate(seed, { longest, shuffled: false, ...options })
    const report = await runner.ask({ program, mode, patience }, 2 * patience)
    if (typeof report !== 'string' && report.faults.length === 0) continue
    const text =
      typeof report === 'string'
        ? [report]
        : [...report.lines, ...report.faults.map((fault) => `${fault.rule}: ${fault.text}`)]
    failures.push([`seed ${seed}`, printProgram(program), ...text].join('\n'))
  }
  const summary = `${failures.length} of ${count} programs break a rule\n\n`
  assert(failures.length === 0, summary + failures.slice(0, printed).join('\n\n'))
}

describe('random programs whose tasks wait in several branches', () => {
  for (let first = firstSeed; first <= lastSeed; first += chunk) {
    const last = first + chunk - 1
    test(
      `the cancels of programs ${first} to ${last} reach the right waits`,
      { tags: ['slow'] },
      async () => {
        await check(first, chunk, 'virtual')
      },
    )
  }

  test('cancels reach the right waits even if timers fire late', { tags: ['slow'] }, async () => {
    await check(firstSeed, chunk, 'coarse')
  })

  test('cancels end the programs even if most waits have no end', { tags: ['slow'] }, async () => {
    await check(20_001, chunk, 'virtual', { endless: true })
    await check(30_001, chunk, 'virtual', { endless: true, longest: 3 })
  })

  test('cancels reach the right waits in real time', { tags: ['slow'] }, async () => {
    await check(1, realPrograms, 'real')
  })

  test(
    'cancels reach the right waits even if the ready queue is shuffled',
    { tags: ['slow'] },
    async () => {
      await check(10_001, chunk, 'virtual', { shuffled: true })
    },
  )
})
