/**
 * Searches for the smallest program that still differs from CPython, and prints it. The search begins with the program of a seed:
 *
 *     pnpm shrink core 713                   draws the program of the profile `core` and the seed 713
 *     pnpm shrink traces/core.jsonl.gz 713   takes the program of the seed 713 from a trace file
 */
import { Oracle, record } from '../cpython.ts'
import { printDifference } from '../print.ts'
import type { Outcome, Program, Recorded } from '../program.ts'
import { type Difference, firstDifference, runProgram, styles } from '../replay.ts'
import { shrink } from '../shrink.ts'
import { parseTraces, readTraces } from '../traces.ts'

async function find(source: string, seed: number): Promise<Recorded | undefined> {
  const isFile = source.includes('.jsonl')
  const args = ['--profile', source, '--seed', `${seed}`, '--count', '1']
  const programs = isFile ? readTraces(source) : parseTraces(record(args).output)
  for await (const recorded of programs) if (recorded.seed === seed) return recorded
  return undefined
}

const [source = 'core', seed = '1', order = 'any'] = process.argv.slice(2)
const recorded = await find(source, Number(seed))
if (recorded === undefined) throw new RangeError(`${source} has no program of seed ${seed}`)

/**
 * Returns the difference as text without times and numbers. The search keeps only programs with the same text, because a smaller
 * program must not fail in another way.
 */
function kindOf({ channel, expected, actual }: Difference): string {
  return [channel.replace(/[\d.]+/g, ''), expected, actual]
    .map((text) => text?.replaceAll(/\d+/g, ''))
    .join('|')
}

async function firstOf(expected: Outcome, program: Program): Promise<Difference | null> {
  for (const style of styles) {
    const difference = firstDifference(expected, await runProgram(program, style))
    if (difference !== null) return difference
  }
  return null
}

await using oracle = new Oracle(order)
let kind: string | null = null
let report = 'nothing differs'
async function differs(program: Program): Promise<boolean> {
  const expected = await oracle.ask(program)
  if (expected === null) return false
  const difference = await firstOf(expected, program)
  if (difference === null) return false
  kind ??= kindOf(difference)
  if (kindOf(difference) !== kind) return false
  report = printDifference({ ...(recorded as Recorded), ...expected, program }, difference)
  return true
}

if (await differs(recorded.program)) await shrink(recorded.program, differs)
process.stdout.write(`${report}\n`)
