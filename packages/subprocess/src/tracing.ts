import { Tracing } from '@tasktree/core/lowlevel'
import type { Process } from './process.ts'

/** The message on the tracing channel `tasktree:process`, for one child process from its start to its exit. */
export interface ProcessTrace {
  readonly process: Process
  readonly pid: number
  readonly program: string
}

/**
 * The tracing channel `tasktree:process`. The result of a trace is the returncode of the process. A code other than 0 is
 * not an error on this channel.
 * The trace of a process that this program has ended is cancelled.
 */
export const processTracing: Tracing<ProcessTrace> = new Tracing('tasktree:process')
