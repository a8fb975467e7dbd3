/**
 * Runs the programs of trace files, and prints each program whose trace differs from the recorded one:
 *
 *     pnpm replay traces/core.jsonl.gz
 */
import { Comparison } from '../comparison.ts'
import { readTraces } from '../traces.ts'

const comparison = new Comparison()
for (const path of process.argv.slice(2)) await comparison.add(readTraces(path))
comparison.report()
