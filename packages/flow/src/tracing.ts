import { Tracing } from '@tasktree/core/lowlevel'

/** The data of one trace, which begins when `retry` calls the function, and ends with the outcome of that call. */
export interface AttemptTrace {
  /** The name of the function that is tried; '' if it has none. */
  readonly name: string
  /** The number of the attempt, from 1. */
  readonly attempt: number
}

export const attemptTracing: Tracing<AttemptTrace> = new Tracing('tasktree:flow.attempt')
