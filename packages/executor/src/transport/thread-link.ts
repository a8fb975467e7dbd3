import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type ResourceLimits,
  type Transferable,
  Worker,
} from 'node:worker_threads'
import { assertCloneable } from '../jobs/cloneable.ts'
import { JobClaims } from './claims.ts'
import { Doorbell, makeWorkerMemory } from './doorbell.ts'
import { threadFlags } from './own-flags.ts'
import {
  type ControlMessage,
  type FromWorker,
  identityKey,
  type JobsMessage,
  type ThreadIdentity,
} from './protocol.ts'
import { assertMessageCarriable, type WorkerLink, type WorkerListener } from './worker-link.ts'

export interface ThreadOptions {
  readonly entry: URL
  readonly name: string
  readonly resourceLimits: ResourceLimits | undefined
  readonly env: NodeJS.ProcessEnv | undefined
}

/**
 * The pool's connection to one worker thread. Pool and worker communicate through separate ports, and not through the
 * worker's `parentPort`: Node and libraries inside a job post to `parentPort`, and the pool must not take their
 * messages.
 */
export class ThreadLink implements WorkerLink {
  readonly #worker: Worker
  readonly #control: MessagePort
  readonly #jobs: MessagePort
  readonly #claims: JobClaims
  readonly #doorbell: Doorbell
  readonly #listener: WorkerListener

  constructor(id: number, listener: WorkerListener, options: ThreadOptions) {
    const { env, resourceLimits } = options
    const memory = makeWorkerMemory()
    const control = new MessageChannel()
    const jobs = new MessageChannel()
    const identity: ThreadIdentity = { id, memory, control: control.port2, jobs: jobs.port2 }
    const worker = new Worker(options.entry, {
      name: `${options.name}-${id}`,
      workerData: { [identityKey]: identity },
      transferList: [control.port2, jobs.port2],
      ...threadFlags(),
      ...(env !== undefined && { env }),
      ...(resourceLimits !== undefined && { resourceLimits }),
    })
    this.#worker = worker
    this.#control = control.port1
    this.#jobs = jobs.port1
    this.#claims = new JobClaims(memory)
    this.#doorbell = new Doorbell(memory)
    this.#listener = listener
    this.#control.on('message', (message: FromWorker) => listener.onMessage(message))
    this.#control.on('messageerror', this.#onUnreadable)
    let error: unknown
    worker.on('error', (thrown) => {
      error = thrown
    })
    worker.on('exit', (exitCode) => {
      this.#drain()
      this.#control.close()
      this.#jobs.close()
      listener.onExit({ exitCode, signal: null, error })
    })
  }

  readonly #onUnreadable = (why: unknown): void => {
    // The shared memory shows whether job `seq` has ended.
    this.#listener.onUnreadable(why, (seq) => (this.#claims.lastEnded() >= seq ? 0 : null))
  }

  /** Reads the last messages of the worker, which may still be in the port when the worker has ended. */
  #drain(): void {
    for (;;) {
      let received: { message: FromWorker } | undefined
      try {
        received = receiveMessageOnPort(this.#control)
      } catch (error) {
        this.#onUnreadable(error)
        continue
      }
      if (received === undefined) return
      this.#listener.onMessage(received.message)
    }
  }

  sendJobs(message: JobsMessage, transferList: readonly Transferable[]): void {
    assertMessageCarriable(message, 'thread', transferList)
    if (transferList.length === 0) this.#jobs.postMessage(message)
    else this.#jobs.postMessage(message, [...transferList])
    if (this.#doorbell.ring()) this.#control.postMessage(look)
  }

  sendControl(message: ControlMessage): void {
    this.#control.postMessage(message)
    // If the worker blocks while one of its jobs waits for a promise, the bell lets it return to its event loop, which
    // delivers the message. A worker without a job gets the message when its wait for the next job has ended.
    this.#doorbell.ring()
  }

  tryClone(value: unknown, transferList: readonly Transferable[]): void {
    assertCloneable(value, transferList)
  }

  hold(on: boolean): void {
    if (on) {
      this.#worker.ref()
      this.#control.ref()
    } else {
      this.#worker.unref()
      this.#control.unref()
    }
  }

  kill(): void {
    void this.#worker.terminate()
  }

  recall(lastSent: number): number {
    return this.#claims.recall(lastSent)
  }

  markCancelled(seq: number): void {
    this.#claims.cancel(seq)
  }

  lastStarted(): number {
    return this.#claims.lastStarted()
  }
}

const look: ControlMessage = { type: 'look' }
