import type { JobTarget } from '../transport/protocol.ts'
import { JobRef } from './job.ts'
import { isSource, nameOf, readTarget, whyUnsendable } from './job-target.ts'
import { SubmitStacks } from './submit-stack.ts'

/**
 * A job that takes less than this many milliseconds counts as short. Several short jobs are sent to a worker at once.
 */
const shortJob = 1
/**
 * The weight of the newest job in the estimate of how long the jobs of one function take, if that job was shorter than
 * the estimate. The time of a longer job replaces the estimate at once.
 */
const decay = 0.2
/** How many functions each worker remembers, and how many functions that are sent as source text the pool remembers. */
export const maxKinds = 500

/**
 * The data that all jobs of one function share: the function, which a worker remembers after its first job, and an
 * estimate of how long the jobs take.
 */
export class JobKind {
  /** The number that stands for the function in messages to the workers. */
  readonly id: number
  readonly target: JobTarget
  /** Why the function cannot be sent to a worker; null when it can. */
  readonly problem: string | null
  readonly stacks: SubmitStacks = new SubmitStacks()
  #jobTime = Infinity

  constructor(id: number, target: JobTarget) {
    this.id = id
    this.target = target
    this.problem = whyUnsendable(target)
  }

  /** The name that is shown to people: the name of the function, or of the export of a module. */
  get name(): string {
    return nameOf(this.target)
  }

  /**
   * Whether the jobs of this kind have been short, so that several may be sent at once. False until the first job has
   * ended.
   */
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

/** The job kinds of one pool. */
export class JobKinds {
  readonly #referred = new WeakMap<JobRef<never, unknown>, JobKind>()
  #bySource = new Map<string, JobKind>()
  #made = 0

  /**
   * Returns the kind of the jobs that run the function `job`, and creates the kind when the function is new.
   *
   * @throws {TypeError} when `job` is neither a function nor a reference to a module of this machine
   */
  find(job: unknown): JobKind {
    if (job instanceof JobRef) {
      let kind = this.#referred.get(job)
      if (kind === undefined) this.#referred.set(job, (kind = this.#make(readTarget(job))))
      return kind
    }
    const target = readTarget(job)
    if (!isSource(target)) return this.#make(target)
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
