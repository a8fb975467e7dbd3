/**
 * The problem: an attempt ends by a cancel, by its time limit, or because its worker ends, but its code may go on. A
 * cancel interrupts the code while it awaits something of Tasktree, such as a sleep. A cancel cannot interrupt the
 * `await` of a native promise, and the code may catch the cancel and ignore it.
 *
 * The idea: the attempt has an outcome of its own, which nothing in the code can hold up. The code gets a short time to
 * clean up. After that time the code is abandoned: whatever it returns or throws later is ignored, and every wait for
 * something of Tasktree is refused.
 */
import {
  createTask,
  Future,
  getEventLoop,
  type Handle,
  isCancelled,
  shield,
  type Task,
} from '@tasktree/core'
import { abandon, observe } from '@tasktree/core/lowlevel'
import { describeError } from '../jobs/describe-error.ts'
import type { QueuedJob } from '../jobs/job.ts'
import type { StoredResult } from '../jobs/stored-value.ts'
import type { Place } from './limits.ts'

/** How an attempt ended. */
export type Outcome = { result: StoredResult } | { error: string } | { cancelled: true }

/** A job that was given to a worker. The attempt lasts until its end is written to the jobs' file. */
export interface Attempt {
  readonly queued: QueuedJob
  readonly place: Place
  /** When the attempt began, in milliseconds of the event loop's clock. */
  begunAt: number
  isCancelled: boolean
  /** The number of the attempt; 0 until its beginning is written. */
  attempts: number
  isEnding: boolean
}

/** How many milliseconds the code may take to clean up after it was interrupted. */
const cleanUpTime = 1_000

/**
 * How many milliseconds after its interruption the attempt ends, without the rest of `cleanUpTime`, if its code waits
 * for nothing of Tasktree. No cancel can reach such code.
 */
const answerTime = 100

/** The code of one attempt, and the outcome of the attempt. */
export class AttemptCode {
  /** How the attempt ends. A cancel of this future means that the attempt is lost, because its worker has ended. */
  readonly outcome: Future<Outcome> = new Future<Outcome>()
  /** Completes when the code has ended or is abandoned. */
  readonly ended: Future<void> = new Future<void>()
  readonly #task: Task<StoredResult>
  readonly #onAbandon: () => void
  #timers: Handle[] = []
  /**
   * The outcome that the attempt gets because of a cancel, its time limit, or an error that no code has caught; null if
   * there was none of these.
   */
  #interruption: Outcome | null = null
  #isInterrupted = false
  #isLate = false

  /**
   * Runs `perform` for at most `limit` milliseconds; 0 means no limit. `onAbandon` is called when the code is abandoned.
   */
  constructor(perform: () => Promise<StoredResult>, limit: number, onAbandon: () => void) {
    this.#onAbandon = onAbandon
    this.#task = createTask(() => this.#run(perform))
    observe(this.#task, () => this.#end())
    observe(this.outcome, () => {
      if (this.outcome.cancelled()) this.#interrupt()
    })
    if (limit > 0) this.#after(limit, () => this.#expire(limit))
  }

  /** Whether the attempt is over. Its code may still run. */
  get isOver(): boolean {
    return this.outcome.done()
  }

  cancel(): void {
    this.#interruption ??= { cancelled: true }
    this.#interrupt()
  }

  /**
   * Ends the code because of an error in it that no code has caught, such as an error in a timer's callback. Returns
   * false, and does nothing, if the code has ended or is being ended.
   */
  fail(reason: string): boolean {
    if (this.#isInterrupted || this.#task.done()) return false
    this.#interruption = { error: reason }
    this.#interrupt()
    return true
  }

  #expire(limit: number): void {
    if (this.#isInterrupted) return
    this.#isLate = true
    this.#interruption = { error: `the time limit of ${limit} ms has passed` }
    this.#interrupt()
  }

  #interrupt(): void {
    if (this.#isInterrupted || this.#task.done()) return
    this.#isInterrupted = true
    this.#task.cancel()
    this.#after(answerTime, () => {
      if (this.#task.waitingOn.size === 0) this.#settle(this.#interruption)
    })
    this.#after(cleanUpTime, () => this.#abandon())
  }

  #abandon(): void {
    if (this.#task.done()) return
    this.#settle(this.#interruption)
    this.#onAbandon()
    abandon(this.#task)
  }

  async #run(perform: () => Promise<StoredResult>): Promise<StoredResult> {
    try {
      return await perform()
    } catch (error) {
      // The attempt has its outcome already, so this error is dropped. Otherwise the event loop would report it as the
      // error of a task that no code waits for.
      if (this.isOver && !isCancelled(error)) return { text: null, type: null }
      throw error
    }
  }

  /** Called when the task has ended, and when it is abandoned. */
  #end(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
    try {
      const result = this.#task.result()
      this.#settle(this.#isLate ? this.#interruption : { result })
      // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- the error is the outcome of the attempt
    } catch (error) {
      const isInterruption = this.#task.cancelled() && this.#interruption !== null
      this.#settle(isInterruption ? this.#interruption : { error: describeError(error) })
    }
    this.ended.setResult()
  }

  #settle(outcome: Outcome | null): void {
    if (outcome !== null && !this.isOver) this.outcome.setResult(outcome)
  }

  #after(ms: number, call: () => void): void {
    this.#timers.push(getEventLoop().callLater(ms, call))
  }
}

/** The code of all attempts that has neither ended nor been abandoned. */
export class AttemptCodes {
  readonly #codes = new Set<AttemptCode>()

  add(code: AttemptCode): void {
    if (code.ended.done()) return
    this.#codes.add(code)
    observe(code.ended, () => void this.#codes.delete(code))
  }

  /** Waits until all code has ended or is abandoned. After the end of the workers this takes at most `cleanUpTime`. */
  async ended(): Promise<void> {
    for (const code of this.#codes) await shield(code.ended)
  }
}
