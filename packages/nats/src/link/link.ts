/**
 * The connection of one cluster handle, as its parts see it: it comes up, is lost, comes back, and ends. What must be
 * done, such as storing a result, is tried again whenever the connection is back; what somebody waits for, such as an ask,
 * fails as soon as the connection is lost.
 */
import { createTask, detached, Future, sleep, type Task, wait } from '@tasktree/core'
import type { Bucket, Bus, BusMessage, BusStatus, Connector } from '../bus/bus.ts'
import { BusTimeout, ClusterClosed } from '../errors.ts'
import type { Codec } from '../wire/codec.ts'
import { Names } from '../wire/names.ts'
import { Answers } from './answers.ts'
import { Controls } from './controls.ts'
import { LazyBucket } from './lazy-bucket.ts'

/** Milliseconds before the next attempt; doubled after each, with jitter. */
const firstRetry = 50
const longestRetry = 2_000
/** Milliseconds that a cancel is kept for workers that were not there when it was announced. */
const cancelTtl = 3_600_000

export type LinkStatus = BusStatus | 'idle'

export class Link {
  readonly names: Names
  readonly node: string
  readonly codec: Codec
  readonly answers: Answers
  readonly controls: Controls
  readonly #connector: Connector
  readonly #buckets = new Map<string, Bucket>()
  readonly #listeners = new Set<(status: LinkStatus) => void>()
  readonly #waiting = new Set<Future<Bus>>()
  readonly #background = new Set<Task>()
  #bus: Bus | null = null
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
    this.controls = new Controls(this.names)
  }

  get status(): LinkStatus {
    return this.#bus?.status ?? 'idle'
  }

  /** The Unix time in milliseconds. */
  now(): number {
    return this.#bus?.now() ?? Date.now()
  }

  /** @throws {ConnectFailed} {NoJetStream} */
  async open(): Promise<Bus> {
    this.#hasEnded = false
    // What the socket calls later does not belong to the task that happens to connect.
    const bus = await detached(async () => this.#connector())
    this.#bus = bus
    this.#buckets.clear()
    bus.subscribe(this.answers.subject, (message: BusMessage) => this.answers.receive(message))
    bus.subscribe(this.controls.subject, (message: BusMessage) => this.controls.receive(message))
    await bus.flush()
    bus.onStatus((status) => this.#report(status))
    this.#report('connected')
    return bus
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

  /** The bus when it is connected, now or later. @throws {ClusterClosed} when the cluster has ended */
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

  /** The bus if it is connected now, else null. @throws {ClusterClosed} when the cluster has ended or was not started */
  current(): Bus | null {
    if (this.#bus === null) throw new ClusterClosed()
    return this.#bus.status === 'connected' ? this.#bus : null
  }

  /**
   * Does `work` until it is done: an attempt that was cut off by a lost connection, or that the server did not answer,
   * is made again. So the work may be done twice.
   *
   * @throws {ClusterClosed} when the cluster has ended, and what `work` throws apart from BusTimeout
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
      await sleep(delay * (0.5 + Math.random() / 2))
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

  results(bus: Bus, ttl: number): Bucket {
    return this.bucket(bus, this.names.results(ttl), ttl)
  }

  cancels(bus: Bus): Bucket {
    return this.bucket(bus, this.names.cancels, cancelTtl)
  }

  /** Starts work that nobody waits for, such as a cancel on its way. An orderly end of the cluster waits for it a while. */
  start(name: string, body: () => Promise<void>): void {
    const task = detached(() => createTask(body, { name }))
    this.#background.add(task)
    task.addDoneCallback(() => {
      this.#background.delete(task)
      if (task.cancelled()) return
      const exception = task.exception()
      if (exception === null || exception instanceof ClusterClosed) return
      task.getLoop().callExceptionHandler({ message: `${name} has failed`, exception, task })
    })
  }

  /** Ends the connection. What waits for it fails, unless `isLost`: then it waits for the next `open`. */
  async close(patience: number): Promise<void> {
    const bus = this.#bus
    const isLost = bus === null || bus.status === 'closed'
    if (!isLost) {
      await waitForAll([...this.#background], patience)
      this.#hasEnded = true
    }
    for (const task of this.#background) task.cancel('the cluster has ended')
    this.#bus = null
    this.#buckets.clear()
    if (bus !== null) await bus.close()
    this.#report('idle')
    if (isLost) return
    for (const waiting of this.#waiting) {
      if (!waiting.done()) waiting.setException(new ClusterClosed())
    }
    this.#waiting.clear()
  }

  /** Whether what waits for the connection should give up. */
  get hasEnded(): boolean {
    return this.#hasEnded
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
