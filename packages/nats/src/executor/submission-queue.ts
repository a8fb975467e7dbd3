import { createTask, detached, Future, isCancelled, taskGroup } from '@tasktree/core'
import { ClusterClosed } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { openQueue } from '../link/open-queue.ts'
import { Signal } from '../link/signal.ts'
import type { Submission, SubmissionOwner } from './submission.ts'

/** Milliseconds between two looks for results whose announcement did not arrive. */
const lookInterval = 30_000
/** Milliseconds between two looks for the result of a job that somebody else has submitted too. */
const duplicateInterval = 500
/** How many results are looked up at the same time. */
const looksAtOnce = 64

/** The options as they are used. */
export interface Settings {
  readonly maxInFlight: number
  readonly resultTtl: number
  readonly deadline: number
  readonly capacity: number | undefined
}

/** What all views of one executor share. */
export class SubmissionQueue implements SubmissionOwner {
  readonly link: Link
  readonly queue: string
  readonly settings: Settings
  /** Submitted, and not begun to be sent. */
  readonly #waiting: Submission[] = []
  readonly #inFlight = new Set<Submission>()
  readonly #changed = new Signal()
  readonly #idle = new Set<Future<void>>()
  #isKept = false
  #opened: Promise<void> | null = null
  /** The connection was lost since the last look, so answers may have been lost. */
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

  /** Makes sure that the queue is there. */
  #open(): Promise<void> {
    this.#opened ??= openQueue(this.link, this.queue, this.settings.capacity).catch(
      (error: unknown) => {
        this.#opened = null
        throw error
      },
    )
    return this.#opened
  }

  /** Looks for results whose announcement was lost, as long as there are jobs under way. */
  #keep(): void {
    this.#isKept = true
    detached(() =>
      createTask(
        async () => {
          try {
            await this.#lookForResults()
          } finally {
            // In the turn in which it has seen that nothing is under way, so that the next job finds no keeper.
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
