/**
 * Draws random programs of cancel scopes, runs each program under Python's Trio and under Tasktree, and compares the traces.
 *
 *     node src/scopes.ts --count 5000 --seed 100000   draws programs until 5000 of them have been compared
 *     node src/scopes.ts --show 713                   runs one program, and prints its text and both traces
 *     node src/scopes.ts --coincide                   draws short times, so that much happens at one instant
 *     node src/scopes.ts --record 400                 writes the checked-in traces anew
 *
 * This command needs a Python with trio (Debian: python3-trio). The environment variable `TRIO_PYTHON` can name one that is not
 * `python3`.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { IsolatedRunner } from './isolated.ts'
import { firstDifference, printDifference } from './scopes/comparison.ts'
import { generate } from './scopes/generate.ts'
import { printProgram } from './scopes/print.ts'
import type { Dropped, Recorded, ScopeProgram, Statement, Traces } from './scopes/program.ts'
import { shrinkBody } from './scopes/shrink.ts'
import { findTrio, TrioOracle } from './scopes/trio.ts'

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '500' },
    seed: { type: 'string', default: '100000' },
    details: { type: 'string', default: '3' },
    show: { type: 'string' },
    record: { type: 'string' },
    coincide: { type: 'boolean', default: false },
  },
})
const python = findTrio()
if (python === null) throw new Error('no Python with trio is found: install python3-trio')
using oracle = new TrioOracle(python)
await using runner = new IsolatedRunner<ScopeProgram, Traces>(
  new URL('./scopes/worker.ts', import.meta.url),
)

/** A program that takes more milliseconds than this hangs. A program takes a few milliseconds. */
const patience = 5_000

/** The oracle's process works ahead on this many programs while this process compares earlier ones. */
const ahead = 50

/** Yields the programs for which Trio has exactly one answer, from the seed `first` on, without an end. */
async function* recordings(first: number): AsyncGenerator<Recorded> {
  for (let seed = first; seed < first + ahead; seed++) oracle.send(generate(seed, options.coincide))
  for (let next = first + ahead; ; next++) {
    const answer = await oracle.receive()
    oracle.send(generate(next, options.coincide))
    if (isKept(answer)) yield answer
  }
}

function isKept(answer: Recorded | Dropped): answer is Recorded {
  return 'traces' in answer
}

async function trace(program: ScopeProgram): Promise<Traces> {
  const answer = await runner.ask({ seed: program.seed, body: program.body }, patience)
  return typeof answer === 'string' ? { main: [answer] } : answer
}

async function differs({ traces, ...program }: Recorded): Promise<boolean> {
  return firstDifference(traces, await trace(program)) !== null
}

/** Searches for a smaller program that differs too. It starts a second oracle, because the first is busy with later programs. */
async function shrink(program: Recorded): Promise<Recorded> {
  using asked = new TrioOracle(python as string)
  const smallest = await shrinkBody(program.body, async (candidate: Statement[]) => {
    const answer = await asked.ask({ ...program, body: candidate, dull: true })
    return isKept(answer) && (await differs(answer))
  })
  return (await asked.ask({ ...program, body: smallest, dull: true })) as Recorded
}

async function show(recorded: Recorded): Promise<void> {
  const ours = await trace(recorded)
  const text = printProgram(recorded.body)
  process.stdout.write(`${text}\n\n  Trio | Tasktree\n${printDifference(recorded.traces, ours)}\n`)
}

async function compare(first: number, count: number): Promise<void> {
  let [compared, differing] = [0, 0]
  for await (const recorded of recordings(first)) {
    compared++
    if (await differs(recorded)) {
      differing++
      if (differing <= Number(options.details)) {
        process.stdout.write(`\n--- seed ${recorded.seed}\n`)
        await show(await shrink(recorded))
      }
    }
    if (compared === count) break
  }
  process.stdout.write(`\n${compared} programs compared, ${differing} differ\n`)
  if (differing > 0) process.exitCode = 1
}

async function record(count: number): Promise<void> {
  const lines: string[] = []
  for await (const recorded of recordings(1)) {
    lines.push(`${JSON.stringify(recorded)}\n`)
    if (lines.length === count) break
  }
  const path = new URL('../trio/traces.jsonl.gz', import.meta.url)
  writeFileSync(path, gzipSync(lines.join(''), { level: 9 }))
}

if (options.record !== undefined) {
  await record(Number(options.record))
} else if (options.show !== undefined) {
  const answer = await oracle.ask({
    ...generate(Number(options.show), options.coincide),
    dull: true,
  })
  if (isKept(answer)) await show(answer)
  else process.stdout.write(`${answer.dropped}\n`)
} else {
  await compare(Number(options.seed), Number(options.count))
}
