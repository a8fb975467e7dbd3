/**
 * Makes the smallest program of a seed, or of a trace file's seed, that still differs:
 *
 *     pnpm shrink core 713            draws the program anew
 *     pnpm shrink traces/core.jsonl.gz 713
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

/** What differs, without times and numbers: a smaller program must not be one that fails in another way. */
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
