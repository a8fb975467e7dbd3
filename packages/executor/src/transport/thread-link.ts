import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type ResourceLimits,
  type Transferable,
  Worker,
} from 'node:worker_threads'
import { assertCarriable } from '../jobs/carriable.ts'
import { JobClaims } from './claims.ts'
import { Doorbell, makeWorkerMemory } from './doorbell.ts'
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
 * A worker thread. Pool and worker talk through ports of their own: Node itself and libraries inside a job post to
 * the worker's `parentPort`, and the pool must leave their messages alone.
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
      ...forProgramText(),
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
    // Which job runs now can be seen in the shared memory.
    this.#listener.onUnreadable(why, (seq) => (this.#claims.lastEnded() >= seq ? 0 : null))
  }

  /** The worker's last messages may still lie in the port when it has ended. */
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
    // A worker that blocks returns to its event loop, which reads the message.
    this.#doorbell.ring()
  }

  tryClone(value: unknown, transferList: readonly Transferable[]): void {
    assertCarriable(value, 'thread', transferList)
    structuredClone(value)
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

/** A thread inherits the flags of this process. Node refuses `--input-type`, of a program given as text, with a file. */
function forProgramText(): { execArgv?: string[] } {
  const { execArgv } = process
  if (!execArgv.some((flag) => flag.startsWith('--input-type'))) return {}
  return { execArgv: execArgv.filter((flag) => /^--(?:conditions|import|require)=/.test(flag)) }
}
