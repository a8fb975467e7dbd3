import type { Executor } from '@tasktree/executor'

/** Found anew at each job, because a pool that was restarted is another one. */
export interface Pools {
  readonly threads: Executor
  readonly processes: Executor
}

/** What a job has while it runs. */
export interface Bench {
  readonly pools: Pools
  /** Keeps a piece of its output. */
  readonly output: (text: string) => void
  readonly progress: (done: number, total: number) => void
}

/** One kind of job. */
export interface Kind<P = string> {
  /** What the page shows in an empty field for the payload. */
  readonly placeholder: string
  /** How many jobs of the kind may run at once: as many as its pool has workers. @defaultValue no limit */
  readonly capacity?: number
  /** Reads the payload before the job is added. @throws {PayloadError} for a payload that cannot work */
  readonly parse: (payload: string) => P
  /** Does the job, and gives its result as text. A cancel ends the work itself. */
  readonly run: (payload: P, bench: Bench) => PromiseLike<string>
}

/** A payload that cannot work, whenever the job runs: the job is not added. */
export class PayloadError extends RangeError {
  override readonly name: string = 'PayloadError'
}

/** Checks the kind's parts against each other, which a plain object would not. */
export function defineKind<P>(kind: Kind<P>): Kind<P> {
  return kind
}

export function parseText(what: string): (payload: string) => string {
  return (payload) => {
    if (payload.trim() === '') throw new PayloadError(`expected ${what}, got an empty payload`)
    return payload
  }
}

export function parseWholeNumber(what: string, most: number): (payload: string) => number {
  return (payload) => {
    const n = Number(payload)
    if (!/^\d+$/.test(payload) || n > most)
      throw new PayloadError(
        `expected ${what} from 0 to ${most}, got ${JSON.stringify(payload.slice(0, 64))}`,
      )
    return n
  }
}
