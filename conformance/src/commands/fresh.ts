/**
 * Draws new programs, records their traces under CPython, and compares these with the traces under Tasktree:
 *
 *     pnpm fresh --profile sync --seed 1000000 --count 10000
 *
 * The options are those of `cpython/record.py`.
 */
import { Comparison } from '../comparison.ts'
import { record } from '../cpython.ts'
import { parseTraces } from '../traces.ts'

const comparison = new Comparison()
const recording = record(process.argv.slice(2))
await comparison.add(parseTraces(recording.output))
await recording.ended
comparison.report()
