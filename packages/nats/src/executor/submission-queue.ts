import { Future, isCancelled } from '@tasktree/core'
import { LinkedList } from '@tasktree/core/lowlevel'
import type { JobRef } from '@tasktree/executor'
import { SubmitStacks } from '@tasktree/executor/lowlevel'
import { ClusterClosed } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { openQueue } from '../link/open-queue.ts'
import { ResultSearch } from './result-search.ts'
import type { Submission, SubmissionOwner } from './submission.ts'

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
  readonly #results: ResultSearch
  #opened: Promise<void> | null = null
  /** Ends the listening to the status of the connection. Null while there are no jobs: an executor that has none is collected. */
  #stopListening: (() => void) | null = null
  isShutDown = false
  completed = 0
  failed = 0

  readonly #stacks = new WeakMap<object, SubmitStacks>()

  constructor(link: Link, queue: string, settings: Settings) {
    this.link = link
    this.queue = queue
    this.settings = settings
    this.#results = new ResultSearch(link, queue, settings.resultTtl, this.#inFlight)
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
    this.#stopListening ??= this.#listen()
    this.#waiting.push(submission)
    this.#pump()
  }

  #listen(): () => void {
    return this.link.onStatus((status) => {
      if (status === 'connected') this.#results.connected()
      if (status === 'idle' && this.link.hasEnded) this.#failAll()
    })
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
        if (submission.isDuplicate) await this.#results.lookForDuplicate(submission)
      })
    }
    this.#results.begin()
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

  ended(submission: Submission, how: 'completed' | 'failed' | 'cancelled'): void {
    if (how === 'completed') this.completed++
    if (how === 'failed') this.failed++
    this.#waiting.remove(submission)
    if (this.#inFlight.delete(submission)) this.#pump()
    if (this.#inFlight.size > 0) return
    this.#results.stop()
    this.#stopListening?.()
    this.#stopListening = null
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
