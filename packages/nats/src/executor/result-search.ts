import { detached, type EventLoop, getEventLoop, type Handle, taskGroup } from '@tasktree/core'
import { ClusterClosed } from '../errors.ts'
import type { Link } from '../link/link.ts'
import type { Submission } from './submission.ts'

/** Milliseconds between two searches for results whose messages were lost. */
const searchInterval = 30_000
/** Milliseconds between two searches for the results of jobs that another submission had begun. */
const duplicateInterval = 500
/** How many results are read from the server at the same time. */
const readsAtOnce = 64

/**
 * Searches the server for the results of an executor's jobs that no message has brought: the message was lost with the
 * connection, or it went to another submission of the same job.
 */
export class ResultSearch {
  readonly #link: Link
  readonly #queue: string
  readonly #resultTtl: number
  readonly #inFlight: ReadonlySet<Submission>
  /** The timer of the next search; null while none is planned. */
  #timer: Handle | null = null
  /** The loop of that timer. A timer of a loop that is closed never fires. */
  #timerLoop: EventLoop | null = null
  /** When the results of all accepted jobs are searched for again. */
  #searchAt = Infinity
  /** When the results of duplicates are searched for again; Infinity while there are no duplicates. */
  #duplicatesAt = Infinity
  #isSearching = false
  /** Whether the connection was made after the last search had begun, so that answers may be missing. */
  #mustSearchAll = false

  /** `inFlight` are the jobs that were sent and have not ended. The executor adds and removes them. */
  constructor(link: Link, queue: string, resultTtl: number, inFlight: ReadonlySet<Submission>) {
    this.#link = link
    this.#queue = queue
    this.#resultTtl = resultTtl
    this.#inFlight = inFlight
  }

  /** Called when the connection is there, for the first time or again. */
  connected(): void {
    this.#mustSearchAll = true
    if (this.#inFlight.size > 0) this.#searchNow()
  }

  /** Called when jobs may have been sent. Plans a search, if none is planned on the running loop. */
  begin(): void {
    if (this.#isSearching || (this.#timer !== null && this.#timerLoop === getEventLoop())) return
    this.#searchAt = this.#link.now() + searchInterval
    this.#plan()
  }

  /** Called when no job is in flight. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#duplicatesAt = Infinity
  }

  /** Plans the next search, if there are jobs without a result. */
  #plan(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#inFlight.size === 0) return
    const left = Math.max(0, Math.min(this.#searchAt, this.#duplicatesAt) - this.#link.now())
    // The timer belongs to all jobs, and not to the task that has submitted one of them.
    this.#timer = detached(() => {
      this.#timerLoop = getEventLoop()
      return this.#timerLoop.callLater(left, () => {
        this.#timer = null
        this.#searchNow()
      })
    })
  }

  /** Begins a search, unless one is running. The running one begins or plans the next one at its end. */
  #searchNow(): void {
    if (this.#isSearching) return
    const isDue = this.#mustSearchAll || this.#link.now() >= this.#searchAt
    if (isDue) {
      this.#mustSearchAll = false
      this.#searchAt = this.#link.now() + searchInterval
    }
    this.#duplicatesAt = Infinity
    const lookedFor = [...this.#inFlight].filter(
      (each) => each.isAccepted && (isDue || each.isDuplicate),
    )
    if (lookedFor.length === 0) this.#plan()
    else this.#link.start(`results of ${this.#queue}`, () => this.#lookForAll(lookedFor, isDue))
  }

  async #lookForAll(submissions: readonly Submission[], isDue: boolean): Promise<void> {
    this.#isSearching = true
    try {
      const times = isDue ? await this.#times() : null
      await taskGroup(
        async (group) => {
          for (const submission of submissions) {
            group.createTask(() => this.#lookFor(submission, times))
          }
        },
        { limit: readsAtOnce },
      )
    } finally {
      this.#isSearching = false
      const hasDuplicates = [...this.#inFlight].some((each) => each.isDuplicate)
      this.#duplicatesAt = hasDuplicates ? this.#link.now() + duplicateInterval : Infinity
      if (this.#mustSearchAll) this.#searchNow()
      else this.#plan()
    }
  }

  /**
   * Looks for the result of a new duplicate, because the first submission may have ended. The later searches look for all
   * duplicates together, so the number of reads does not grow with the square of the number of duplicates.
   */
  async lookForDuplicate(submission: Submission): Promise<void> {
    try {
      await this.#lookFor(submission, await this.#times())
    } finally {
      if (this.#inFlight.has(submission) && this.#duplicatesAt === Infinity) {
        this.#duplicatesAt = this.#link.now() + duplicateInterval
        if (!this.#isSearching) this.#plan()
      }
    }
  }

  /** The values of `resultTtl` that are in use: another submission may have the result in the bucket of any of them. */
  #times(): Promise<readonly number[]> {
    return this.#link.jobResults.times(this.#resultTtl)
  }

  /**
   * Looks for a result. A quick search, for which `times` is null, looks only where the message of the job says, as far as
   * that is known. Other searches look in all buckets, and send the job of a duplicate again if it has neither a result nor a
   * message.
   */
  async #lookFor(submission: Submission, times: readonly number[] | null): Promise<void> {
    try {
      if (await this.#find(submission, times ?? [submission.resultTtl])) return
      if (times === null) return
      while (submission.isDuplicate && !(await submission.readFirst())) {
        // The worker stores the result before the stream deletes the message, so a new result is there now.
        if (await this.#find(submission, await this.#times())) return
        await submission.sendAgain()
      }
    } catch (error) {
      if (!(error instanceof ClusterClosed)) throw error
    }
  }

  /** Returns whether the submission has ended. */
  async #find(submission: Submission, times: readonly number[]): Promise<boolean> {
    if (submission.future.done()) return true
    const record = await this.#link.jobResults.find(submission.id, times)
    if (record !== null) submission.settle(record)
    return submission.future.done()
  }
}
