import { detached, Future, isCancelled, taskGroup } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import { ClusterClosed } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { openQueue } from '../link/open-queue.ts'
import { Signal } from '../link/signal.ts'
import type { Submission, SubmissionOwner } from './submission.ts'

/** Milliseconds between two searches for results whose messages were lost. */
const lookInterval = 30_000
/** Milliseconds between two searches for the results of jobs that another submission had begun. */
const duplicateInterval = 500
/** How many results are read from the server at the same time. */
const looksAtOnce = 64

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
  readonly #waiting: Submission[] = []
  readonly #inFlight = new Set<Submission>()
  readonly #changed = new Signal()
  readonly #idle = new Set<Future<void>>()
  #isKept = false
  #opened: Promise<void> | null = null
  /** Whether the connection was lost after the last search, so that answers may be missing. */
  #mustLook = false
  isShutDown = false
  completed = 0
  failed = 0

  constructor(link: Link, queue: string, settings: Settings) {
    this.link = link
    this.queue = queue
    this.settings = settings
    link.onStatus((status) => {
      if (status === 'connected') {
        this.#mustLook = true
        this.#changed.notify()
      }
      if (status === 'idle' && link.hasEnded) this.#failAll()
    })
  }

  get waiting(): number {
    return this.#waiting.length
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
      if (submission === undefined) break
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
        if (submission.isDuplicate) this.#changed.notify()
      })
    }
    if (this.#inFlight.size > 0 && !this.#isKept) this.#keep()
  }

  /** Creates the queue on the server if it does not exist. */
  #open(): Promise<void> {
    this.#opened ??= openQueue(this.link, this.queue, this.settings.capacity).catch(
      (error: unknown) => {
        this.#opened = null
        throw error
      },
    )
    return this.#opened
  }

  /** Searches for results whose messages were lost, for as long as there are jobs without a result. */
  #keep(): void {
    this.#isKept = true
    detached(() =>
      createServiceTask(
        async () => {
          try {
            await this.#lookForResults()
          } finally {
            // This runs in the turn in which the search found no open job, so the next job starts a new search.
            this.#isKept = false
          }
        },
        { name: `results of ${this.queue}` },
      ),
    )
  }

  async #lookForResults(): Promise<void> {
    let lookAt = this.link.now() + lookInterval
    while (this.#inFlight.size > 0) {
      const next = [...this.#inFlight].some((each) => each.isDuplicate)
        ? this.link.now() + duplicateInterval
        : lookAt
      await this.#changed.wait(Math.max(0, next - this.link.now()))
      const isDue = this.#mustLook || this.link.now() >= lookAt
      const lookedFor = [...this.#inFlight].filter(
        (each) => each.isAccepted && (isDue || each.isDuplicate),
      )
      if (isDue) {
        this.#mustLook = false
        lookAt = this.link.now() + lookInterval
      }
      await taskGroup(
        async (group) => {
          for (const submission of lookedFor) {
            group.createTask(() => this.#lookFor(submission))
          }
        },
        { limit: looksAtOnce },
      )
    }
  }

  async #lookFor(submission: Submission): Promise<void> {
    if (submission.future.done()) return
    try {
      const entry = await this.link.insist((bus) =>
        this.link.results(bus, submission.resultTtl).get(submission.id),
      )
      if (entry !== null) submission.settle(entry.value)
    } catch (error) {
      if (!(error instanceof ClusterClosed)) throw error
    }
  }

  ended(submission: Submission, how: 'completed' | 'failed' | 'cancelled'): void {
    if (how === 'completed') this.completed++
    if (how === 'failed') this.failed++
    if (this.#inFlight.delete(submission)) this.#pump()
    if (this.#inFlight.size > 0) return
    this.#changed.notify()
    for (const idle of this.#idle) if (!idle.done()) idle.setResult()
    this.#idle.clear()
  }

  #failAll(): void {
    for (const submission of [...this.#waiting.splice(0), ...this.#inFlight]) {
      submission.fail(new ClusterClosed())
    }
  }

  cancelAll(): void {
    for (const submission of [...this.#waiting, ...this.#inFlight]) {
      submission.future.cancel('the executor was shut down')
    }
  }

  async untilIdle(): Promise<void> {
    if (this.#inFlight.size === 0) return
    const idle = new Future<void>()
    this.#idle.add(idle)
    await idle
  }
}
