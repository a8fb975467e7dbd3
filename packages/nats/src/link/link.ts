/**
 * The connection of one cluster handle, with its whole life: it is opened, is lost, comes back, and ends.
 *
 * Work that must be done, such as storing a result, uses `insist`, which tries again whenever the connection is back. Work
 * for which a caller waits, such as an ask, uses `current` and `onStatus`, and fails as soon as the connection is lost.
 */
import { detached, Future, sleep, type Task, wait } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import type { Bucket, Bus, BusMessage, BusStatus, Connector } from '../bus/bus.ts'
import { BusTimeout, ClusterClosed, ConnectFailed } from '../errors.ts'
import type { Codec } from '../wire/codec.ts'
import { hash } from '../wire/hash.ts'
import { Names } from '../wire/names.ts'
import { Answers } from './answers.ts'
import { cancelTtl, ReceivedCancels } from './received-cancels.ts'
import { JobResults } from './job-results.ts'
import { LazyBucket } from './lazy-bucket.ts'

/** Milliseconds before the next attempt. The time doubles with each attempt, and is varied. */
const firstRetry = 50
const longestRetry = 2_000

export type LinkStatus = BusStatus | 'idle'

export class Link {
  readonly names: Names
  readonly node: string
  readonly codec: Codec
  readonly answers: Answers
  readonly receivedCancels: ReceivedCancels
  readonly jobResults: JobResults = new JobResults(this)
  readonly #connector: Connector
  readonly #buckets = new Map<string, Bucket>()
  readonly #listeners = new Set<(status: LinkStatus) => void>()
  readonly #waiting = new Set<Future<Bus>>()
  readonly #background = new Set<Task>()
  #bus: Bus | null = null
  #jitters = 0
  #hasEnded = false

  constructor(
    namespace: string,
    node: string,
    codec: Codec,
    inboxPrefix: string,
    connector: Connector,
  ) {
    this.names = new Names(namespace)
    this.node = node
    this.codec = codec
    this.#connector = connector
    this.answers = new Answers(inboxPrefix)
    this.receivedCancels = new ReceivedCancels(this.names, () => this.now())
  }

  get status(): LinkStatus {
    return this.#bus?.status ?? 'idle'
  }

  /**
   * Returns a number from 0 to 1 that varies the time before another attempt, so that not all nodes try at once. Each node has
   * numbers of its own. They are the same each time a program runs, so that a test with a seed can be repeated.
   */
  jitter(): number {
    return hash(`${this.node} ${++this.#jitters}`) / 2 ** 32
  }

  /** The Unix time in milliseconds. */
  now(): number {
    return this.#bus?.now() ?? Date.now()
  }

  /**
   * Connects to the server.
   *
   * @throws {ConnectFailed} when no connection to the server could be made
   * @throws {NoJetStream} when the server runs without JetStream
   */
  async open(): Promise<Bus> {
    this.#hasEnded = false
    const connecting = this.#connect()
    try {
      const bus = await connecting
      this.#bus = bus
      this.#buckets.clear()
      bus.subscribe(this.answers.subject, (message: BusMessage) => this.answers.receive(message))
      bus.subscribe(this.receivedCancels.subject, (message: BusMessage) =>
        this.receivedCancels.receive(message),
      )
      await bus.flush()
      bus.onStatus((status) => this.#report(status))
      this.#report('connected')
      return bus
    } catch (error) {
      this.#bus = null
      if (!connecting.done() || connecting.cancelled() || connecting.exception() !== null) {
        throw error
      }
      const bus = connecting.result()
      drop(bus)
      if (!(error instanceof BusTimeout)) throw error
      throw new ConnectFailed(bus.server, 'the connection was lost at once', { cause: error })
    }
  }

  /** Calls the connector. If the future is cancelled meanwhile, the connection is ended as soon as it is made. */
  #connect(): Future<Bus> {
    const made = new Future<Bus>()
    // The callbacks of the socket run for as long as the connection, and must not belong to the task that connects.
    const connecting = detached(async () => this.#connector())
    connecting.then(
      (bus) => {
        if (made.done()) drop(bus)
        else made.setResult(bus)
      },
      (error: unknown) => {
        if (!made.done()) made.setException(error)
      },
    )
    return made
  }

  #report(status: LinkStatus): void {
    if (status === 'connected') {
      const bus = this.#bus as Bus
      for (const waiting of this.#waiting) if (!waiting.done()) waiting.setResult(bus)
      this.#waiting.clear()
    }
    for (const listener of this.#listeners) listener(status)
  }

  onStatus(listener: (status: LinkStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Waits until there is a connection, and returns it. @throws {ClusterClosed} when the cluster has ended */
  async connected(): Promise<Bus> {
    if (this.#bus?.status === 'connected') return this.#bus
    if (this.#hasEnded) throw new ClusterClosed()
    const waiting = new Future<Bus>()
    this.#waiting.add(waiting)
    try {
      return await waiting
    } finally {
      this.#waiting.delete(waiting)
    }
  }

  /**
   * Returns the connection; null while it is lost.
   *
   * @throws {ClusterClosed} when the cluster has ended, was not started, or is being started again
   */
  current(): Bus | null {
    if (this.#bus === null) throw new ClusterClosed()
    return this.#bus.status === 'connected' ? this.#bus : null
  }

  /**
   * Calls `work` again and again until it succeeds. It is called again after a lost connection and after a missing answer
   * of the server, so the server may do the work more than once.
   *
   * @throws {ClusterClosed} when the cluster has ended
   * @throws every error of `work` other than BusTimeout and ClusterClosed
   */
  async insist<T>(work: (bus: Bus) => Future<T> | Promise<T>): Promise<T> {
    for (let delay = firstRetry; ; delay = Math.min(2 * delay, longestRetry)) {
      const bus = this.#bus?.status === 'connected' ? this.#bus : await this.connected()
      try {
        return await work(bus)
      } catch (error) {
        if (!isPassing(error)) throw error
        if (this.#hasEnded) throw new ClusterClosed()
      }
      await sleep(delay * (0.5 + this.jitter() / 2))
    }
  }

  /** Returns a bucket of this cluster. `ttl` is Infinity for entries that do not expire. */
  bucket(bus: Bus, name: string, ttl: number): Bucket {
    if (bus !== this.#bus) return new LazyBucket(() => bus.openBucket(name, ttl))
    let bucket = this.#buckets.get(name)
    if (bucket === undefined) {
      bucket = new LazyBucket(() => bus.openBucket(name, ttl))
      this.#buckets.set(name, bucket)
    }
    return bucket
  }

  /** The bucket of the results that are kept for `ttl` milliseconds. */
  results(bus: Bus, ttl: number): Bucket {
    return this.bucket(bus, this.names.results(ttl), ttl)
  }

  cancels(bus: Bus): Bucket {
    return this.bucket(bus, this.names.cancels, cancelTtl)
  }

  /**
   * Starts work in the background, such as sending a cancel. When the cluster ends, `close` waits for such work for a
   * limited time.
   */
  start(name: string, body: () => Promise<void>): void {
    const task = detached(() => createServiceTask(body, { name }))
    this.#background.add(task)
    task.addDoneCallback(() => {
      this.#background.delete(task)
      if (task.cancelled()) return
      const exception = task.exception()
      if (exception === null || exception instanceof ClusterClosed) return
      task.getLoop().callExceptionHandler({ message: `${name} has failed`, exception, task })
    })
  }

  /**
   * Ends the connection. After an orderly end, work in the background gets `patience` milliseconds, and calls that wait for the
   * connection fail with ClusterClosed. If the connection had ended by an error, its supervisor opens another one, for which
   * these calls wait. With `isFinal` no code opens another one, so they fail too.
   */
  async close(patience: number, isFinal: boolean): Promise<void> {
    const bus = this.#bus
    const isLost = bus === null || bus.status === 'closed'
    if (!isLost) await waitForAll([...this.#background], patience)
    if (isFinal || !isLost) {
      this.#hasEnded = true
      for (const task of this.#background) task.cancel('the cluster has ended')
    }
    this.#bus = null
    this.#buckets.clear()
    if (bus !== null) await bus.close()
    this.#report('idle')
    if (!this.#hasEnded) return
    for (const waiting of this.#waiting) {
      if (!waiting.done()) waiting.setException(new ClusterClosed())
    }
    this.#waiting.clear()
  }

  /** Whether the cluster has ended in an orderly way, so that no call should wait for a connection any more. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }
}

/** Ends a connection that nobody uses. The loop may have ended before the connection was made. */
function drop(bus: Bus): void {
  try {
    const closing = bus.close()
    closing.addDoneCallback(() => void (closing.cancelled() || closing.exception()))
  } catch {
    // Without a loop there is no future, but a connection to NATS ends nevertheless.
  }
}

/** Whether another attempt may succeed. */
function isPassing(error: unknown): boolean {
  return error instanceof BusTimeout || error instanceof ClusterClosed
}

async function waitForAll(tasks: readonly Task[], patience: number): Promise<void> {
  if (tasks.length === 0) return
  await wait(tasks, { timeout: patience })
}
