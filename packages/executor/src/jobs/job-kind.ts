import type { JobTarget } from '../transport/protocol.ts'
import { JobRef } from './job.ts'
import { readTarget, whyUnsendable } from './job-target.ts'
import { type SubmitStack, typicalStack } from './submit-stack.ts'

/** Jobs that take less than this many milliseconds are short: several of them are sent to a worker at once. */
const shortJob = 1
/** How fast the estimate follows jobs that become shorter. One long job counts in full at once. */
const decay = 0.2
/**
 * After this many jobs of a kind without a failure, the stacks of their submissions are not captured any more. A
 * capture takes 2 to 4 microseconds, a tenth of a small job, and only a failure uses it.
 */
const trusted = 1_000
/** How many functions sent by source are remembered, here and in each worker. */
export const maxKinds = 500

/** All jobs of one function: what they run, which is sent to a worker once, and how long they take. */
export class JobKind {
  /** Names it in messages. */
  readonly id: number
  readonly target: JobTarget
  /** Why its jobs cannot be sent, null when they can. */
  readonly problem: string | null
  #jobTime = Infinity
  #succeeded = 0
  #hasFailed = false
  #typical: SubmitStack | null = null

  constructor(id: number, target: JobTarget) {
    this.id = id
    this.target = target
    this.problem = whyUnsendable(target)
  }

  /** For people: the name of the function, or of the module and its export. */
  get name(): string {
    const { target } = this
    if ('source' in target) {
      return /^(?:async\s+)?function\s*\*?\s*([\w$]+)/.exec(target.source)?.[1] ?? '(anonymous)'
    }
    return target.name
  }

  /** Whether its jobs have been short, so that several may be sent at once. The first job of a kind is not known to be. */
  get isShort(): boolean {
    return this.#jobTime < shortJob
  }

  /** What stands for the stack of a submission, null when the stack itself has to be captured. */
  get typicalStack(): SubmitStack | null {
    return this.#typical
  }

  noteSuccess(submitted: SubmitStack): void {
    if (this.#hasFailed || ++this.#succeeded !== trusted) return
    this.#typical = typicalStack(submitted)
  }

  /** From now on each submission's stack is captured. */
  noteFailure(): void {
    this.#hasFailed = true
    this.#typical = null
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

  /** @throws {TypeError} for what is not a job */
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
