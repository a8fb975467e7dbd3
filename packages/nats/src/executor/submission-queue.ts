import {
  detached,
  type EventLoop,
  Future,
  getEventLoop,
  type Handle,
  isCancelled,
  taskGroup,
} from '@tasktree/core'
import { LinkedList } from '@tasktree/core/lowlevel'
import type { JobRef } from '@tasktree/executor'
import { SubmitStacks } from '@tasktree/executor/lowlevel'
import { ClusterClosed } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { openQueue } from '../link/open-queue.ts'
import type { Submission, SubmissionOwner } from './submission.ts'

/** Milliseconds between two searches for results whose messages were lost. */
const searchInterval = 30_000
/** Milliseconds between two searches for the results of jobs that another submission had begun. */
const duplicateInterval = 500
/** How many results are read from the server at the same time. */
const readsAtOnce = 64

/** The options of an executor after their check. */
export interface Settings {
  readonly maxInFlight: number
  readonly resultTtl: number
  readonly deadline: number
  readonly capacity: number | undefined
}

/** The jobs of one executor, until they have ended. All views that `RemoteExecutor.with` makes share this object. */
export class SubmissionQueue implements SubmissionOwner {
  readonly link: Link
  readonly queue: string
  readonly settings: Settings
  /** The jobs that were submitted and not sent yet. */
  readonly #waiting = new LinkedList<Submission>()
  readonly #inFlight = new Set<Submission>()
  readonly #idle = new Set<Future<void>>()
  /** The timer of the next search; null while none is planned. */
  #search: Handle | null = null
  /** The loop of that timer. A timer of a loop that is closed never fires. */
  #searchLoop: EventLoop | null = null
  /** When the results of all accepted jobs are searched for again. */
  #searchAt = Infinity
  /** When the results of duplicates are searched for again; Infinity while there are no duplicates. */
  #duplicatesAt = Infinity
  #isSearching = false
  #opened: Promise<void> | null = null
  /** Whether the connection was lost after the last search, so that answers may be missing. */
  #mustSearchAll = false
  isShutDown = false
  completed = 0
  failed = 0

  readonly #stacks = new WeakMap<object, SubmitStacks>()

  constructor(link: Link, queue: string, settings: Settings) {
    this.link = link
    this.queue = queue
    this.settings = settings
    link.onStatus((status) => {
      if (status === 'connected') {
        this.#mustSearchAll = true
        if (this.#inFlight.size > 0) this.#searchNow()
      }
      if (status === 'idle' && link.hasEnded) this.#failAll()
    })
  }

  /** The stacks of the submissions of `job`. */
  stacksOf(job: JobRef<unknown[], unknown>): SubmitStacks {
    let stacks = this.#stacks.get(job)
    if (stacks === undefined) this.#stacks.set(job, (stacks = new SubmitStacks()))
    return stacks
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get running(): number {
    return this.#inFlight.size
  }

  add(submission: Submission): void {
    this.#waiting.push(submission)
    this.#pump()
  }

  #pump(): void {
    while (this.#inFlight.size < this.settings.maxInFlight) {
      const submission = this.#waiting.shift()
      if (submission === null) break
      if (submission.future.done()) continue
      this.#inFlight.add(submission)
      this.link.start(`submit ${submission.id}`, async () => {
        try {
          await this.#open()
        } catch (error) {
          submission.fail(error)
          if (isCancelled(error)) throw error
          return
        }
        await submission.send()
        if (submission.isDuplicate) await this.#lookForDuplicate(submission)
      })
    }
    if (this.#isSearching || (this.#search !== null && this.#searchLoop === getEventLoop())) return
    this.#searchAt = this.link.now() + searchInterval
    this.#planSearch()
  }

  /** Creates the queue on the server if it does not exist, and announces where the results of its jobs will be. */
  #open(): Promise<void> {
    this.#opened ??= this.#prepare().catch((error: unknown) => {
      this.#opened = null
      throw error
    })
    return this.#opened
  }

  async #prepare(): Promise<void> {
    await openQueue(this.link, this.queue, this.settings.capacity)
    await this.link.jobResults.announce(this.settings.resultTtl)
  }

  /** Plans the next search, if there are jobs without a result. */
  #planSearch(): void {
    this.#search?.cancel()
    this.#search = null
    if (this.#inFlight.size === 0) return
    const left = Math.max(0, Math.min(this.#searchAt, this.#duplicatesAt) - this.link.now())
    // The timer belongs to all jobs, and not to the task that has submitted one of them.
    this.#search = detached(() => {
      this.#searchLoop = getEventLoop()
      return this.#searchLoop.callLater(left, () => {
        this.#search = null
        this.#searchNow()
      })
    })
  }

  /** Begins a search. If one is running, it searches for all results once more when it has ended. */
  #searchNow(): void {
    if (this.#isSearching) return
    const isDue = this.#mustSearchAll || this.link.now() >= this.#searchAt
    if (isDue) {
      this.#mustSearchAll = false
      this.#searchAt = this.link.now() + searchInterval
    }
    this.#duplicatesAt = Infinity
    const lookedFor = [...this.#inFlight].filter(
      (each) => each.isAccepted && (isDue || each.isDuplicate),
    )
    if (lookedFor.length === 0) this.#planSearch()
    else this.link.start(`results of ${this.queue}`, () => this.#lookForAll(lookedFor, isDue))
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
      this.#duplicatesAt = hasDuplicates ? this.link.now() + duplicateInterval : Infinity
      if (this.#mustSearchAll) this.#searchNow()
      else this.#planSearch()
    }
  }

  /**
   * Looks for the result of a new duplicate, because the first submission may have ended. The later searches look for all
   * duplicates together, so the number of reads does not grow with the square of the number of duplicates.
   */
  async #lookForDuplicate(submission: Submission): Promise<void> {
    try {
      await this.#lookFor(submission, await this.#times())
    } finally {
      if (this.#inFlight.has(submission) && this.#duplicatesAt === Infinity) {
        this.#duplicatesAt = this.link.now() + duplicateInterval
        if (!this.#isSearching) this.#planSearch()
      }
    }
  }

  /** The values of `resultTtl` that are in use: another submission may have the result in the bucket of any of them. */
  #times(): Promise<readonly number[]> {
    return this.link.jobResults.times(this.settings.resultTtl)
  }

  /**
   * Looks for a result. A quick search, for which `times` is null, looks only where the message of the job says. Other
   * searches look in all buckets, and send the job of a duplicate again if it has neither a result nor a message.
   */
  async #lookFor(submission: Submission, times: readonly number[] | null): Promise<void> {
    try {
      if (await this.#find(submission, times ?? [submission.resultTtl])) return
      if (times === null) return
      while (submission.isDuplicate && !(await submission.readFirst())) {
        // The worker stores the result before the stream deletes the message, so now it is there, if it was not before.
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
    const record = await this.link.jobResults.find(submission.id, times)
    if (record !== null) submission.settle(record)
    return submission.future.done()
  }

  ended(submission: Submission, how: 'completed' | 'failed' | 'cancelled'): void {
    if (how === 'completed') this.completed++
    if (how === 'failed') this.failed++
    this.#waiting.remove(submission)
    if (this.#inFlight.delete(submission)) this.#pump()
    if (this.#inFlight.size > 0) return
    this.#search?.cancel()
    this.#search = null
    this.#duplicatesAt = Infinity
    for (const idle of this.#idle) if (!idle.done()) idle.setResult()
    this.#idle.clear()
  }

  #failAll(): void {
    for (const submission of this.#all()) submission.fail(new ClusterClosed())
  }

  cancelAll(): void {
    for (const submission of this.#all()) submission.future.cancel('the executor was shut down')
  }

  /** All jobs that have not ended. */
  #all(): Submission[] {
    const all: Submission[] = []
    for (let each = this.#waiting.first(); each !== null; each = each.nextInList) all.push(each)
    return [...all, ...this.#inFlight]
  }

  async untilIdle(): Promise<void> {
    if (this.#inFlight.size === 0) return
    const idle = new Future<void>()
    this.#idle.add(idle)
    await idle
  }
}
