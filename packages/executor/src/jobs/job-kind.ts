import { JobRef } from './job.ts'
import { hasSource, readTarget } from './job-target.ts'
import type { JobTarget } from '../transport/protocol.ts'

/** In milliseconds. */
const shortJob = 1
/** How fast the estimate follows jobs that become shorter; one long job counts at once. */
const decay = 0.2
/** So many functions sent by source are remembered, here and in each worker. */
export const maxKinds = 500

/** All jobs of one function: what they run, sent to a worker once, and how long they take. */
export class JobKind {
  /** Names it in messages. */
  readonly id: number
  readonly target: JobTarget
  /** Or a name; false for what cannot be sent. */
  readonly hasSource: boolean
  #jobTime = Infinity

  constructor(id: number, target: JobTarget) {
    this.id = id
    this.target = target
    this.hasSource = hasSource(target)
  }

  /** Whether its jobs are done in a moment, so that several may be sent to a worker at once; a new one's may not be. */
  get isShort(): boolean {
    return this.#jobTime < shortJob
  }

  note(ms: number): void {
    this.#jobTime =
      ms >= this.#jobTime || this.#jobTime === Infinity
        ? ms
        : this.#jobTime * (1 - decay) + ms * decay
  }
}

/** The kinds of one pool's jobs. */
export class JobKinds {
  readonly #referred = new WeakMap<JobRef<never, unknown>, JobKind>()
  #bySource = new Map<string, JobKind>()
  #made = 0

  /** @throws {TypeError} for what is no job */
  find(job: unknown): JobKind {
    if (job instanceof JobRef) {
      let kind = this.#referred.get(job)
      if (kind === undefined) this.#referred.set(job, (kind = this.#make(readTarget(job))))
      return kind
    }
    const target = readTarget(job)
    if (!('source' in target)) return this.#make(target)
    let kind = this.#bySource.get(target.source)
    if (kind === undefined) {
      if (this.#bySource.size >= maxKinds) this.#bySource = new Map()
      this.#bySource.set(target.source, (kind = this.#make(target)))
    }
    return kind
  }

  #make(target: JobTarget): JobKind {
    return new JobKind(++this.#made, target)
  }
}
