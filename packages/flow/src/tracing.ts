import { Tracing } from '@tasktree/core/lowlevel'

/** One attempt of `retry`, from the call of the function to its outcome. */
export interface AttemptTrace {
  /** The name of the function that is tried; '' if it has none. */
  readonly name: string
  /** The number of the attempt, from 1. */
  readonly attempt: number
}

export const attemptTracing: Tracing<AttemptTrace> = new Tracing('tasktree:flow.attempt')
