import { assert, describe, test } from 'vitest'
import { type DrawOptions, generate } from '../src/flows/generate.ts'
import { printProgram } from '../src/flows/print.ts'
import type { Mode } from '../src/flows/program.ts'
import type { Report } from '../src/flows/run.ts'
import type { Request } from '../src/flows/worker.ts'
import { IsolatedRunner } from '../src/isolated.ts'

/** Programs a test: enough that tests are few, few enough that a failure names its neighbourhood. */
const chunk = 200
/** `node src/flows.ts` checks any number of other programs. */
const firstSeed = 201
const lastSeed = 400
const realPrograms = 20
const printed = 3
/** A program takes a few milliseconds, or a second in real time. */
const patience = 5_000

async function check(
  first: number,
  count: number,
  mode: Mode,
  options: Partial<DrawOptions> = {},
): Promise<void> {
  // In a thread of their own, since the test runner takes every unhandled rejection for a failure.
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

describe('programs whose tasks have several flows', () => {
  for (let first = firstSeed; first <= lastSeed; first += chunk) {
    const last = first + chunk - 1
    test(`${first} to ${last} are cancelled where they must be`, { tags: ['slow'] }, async () => {
      await check(first, chunk, 'virtual')
    })
  }

  test('are cancelled where they must be when timers fire late', { tags: ['slow'] }, async () => {
    await check(firstSeed, chunk, 'coarse')
  })

  test('end when they are cancelled, if nothing else ends them', { tags: ['slow'] }, async () => {
    await check(20_001, chunk, 'virtual', { endless: true })
    await check(30_001, chunk, 'virtual', { endless: true, longest: 3 })
  })

  test('are cancelled where they must be in real time', { tags: ['slow'] }, async () => {
    await check(1, realPrograms, 'real')
  })

  test(
    'are cancelled where they must be when the queue is shuffled',
    { tags: ['slow'] },
    async () => {
      await check(10_001, chunk, 'virtual', { shuffled: true })
    },
  )
})
