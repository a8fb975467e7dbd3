import { Tracing } from '@tasktree/core/lowlevel'
import type { Process } from './process.ts'

/** A child process, from its start to its exit. */
export interface ProcessTrace {
  readonly process: Process
  readonly pid: number
  readonly program: string
}

/** Its result is the returncode. A process that ends with another code than 0 is no error here. */
export const processTracing: Tracing<ProcessTrace> = new Tracing('tasktree:process')
