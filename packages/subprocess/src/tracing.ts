import { Tracing } from '@tasktree/core/lowlevel'
import type { Process } from './process.ts'

/** The message on the tracing channel `tasktree:process`, for one child process from its start to its exit. */
export interface ProcessTrace {
  readonly process: Process
  readonly pid: number
  readonly program: string
}

/**
 * The tracing channel `tasktree:process`. The result of a trace is the returncode of the process. A code other than 0
 * is not an error on this channel. If this program has begun to end the process, and the code of the process is not 0,
 * the trace is cancelled.
 */
export const processTracing: Tracing<ProcessTrace> = new Tracing('tasktree:process')
