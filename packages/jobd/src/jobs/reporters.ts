import { describe } from '@tasktree/core/lowlevel'
import type { JobContext } from './kind.ts'

/**
 * Returns the functions by which a job reports its progress and its output. They check what the code of the job passes,
 * because kinds may be plain JavaScript: a value of another type must fail the job, and not the store, which all jobs share.
 */
export function makeReporters(
  progress: (done: number, total: number) => void,
  output: (text: string) => void,
): Pick<JobContext, 'progress' | 'log' | 'output'> {
  return {
    progress: (done: unknown, total: unknown) => {
      if (typeof done !== 'number' || typeof total !== 'number')
        throw new TypeError(
          `ctx.progress takes two numbers, got ${describe(done)} and ${describe(total)}`,
        )
      progress(done, total)
    },
    log: (line) => output(`${line}\n`),
    output: (text: unknown) => {
      if (typeof text !== 'string')
        throw new TypeError(`ctx.output takes a text, got ${describe(text)}`)
      output(text)
    },
  }
}
