import { type ResourceLimits, type Transferable, Worker } from 'node:worker_threads'
import {
  cancelledSlot,
  claimedSlot,
  type FromWorker,
  identityKey,
  type ToWorker,
} from './protocol.ts'
import { workerEntry, type WorkerLink, type WorkerListener } from './worker-link.ts'

export interface ThreadOptions {
  readonly name: string
  readonly resourceLimits: ResourceLimits | undefined
  readonly env: NodeJS.ProcessEnv | undefined
}

export class ThreadLink implements WorkerLink {
  readonly #worker: Worker
  #recalled = { upTo: 0, started: 0 }
  readonly #shared = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))

  constructor(id: number, listener: WorkerListener, options: ThreadOptions) {
    const { env, resourceLimits } = options
    const worker = new Worker(workerEntry, {
      name: `${options.name}-${id}`,
      workerData: { [identityKey]: { id, shared: this.#shared } },
      ...forProgramText(),
      ...(env !== undefined && { env }),
      ...(resourceLimits !== undefined && { resourceLimits }),
    })
    let error: unknown
    worker.on('message', (message: FromWorker) => listener.onMessage(message))
    worker.on('error', (thrown) => {
      error = thrown
    })
    worker.on('exit', (exitCode) => listener.onExit({ exitCode, signal: null, error }))
    this.#worker = worker
  }

  post(message: ToWorker, transferList: readonly Transferable[]): void {
    if (transferList.length === 0) this.#worker.postMessage(message)
    else this.#worker.postMessage(message, [...transferList])
  }

  tryClone(value: unknown): void {
    structuredClone(value)
  }

  hold(on: boolean): void {
    if (on) this.#worker.ref()
    else this.#worker.unref()
  }

  kill(): void {
    void this.#worker.terminate()
  }

  recall(lastSent: number): number {
    for (;;) {
      const claimed = Atomics.load(this.#shared, claimedSlot)
      const started = this.lastStarted()
      if (Atomics.compareExchange(this.#shared, claimedSlot, claimed, lastSent) === claimed) {
        this.#recalled = { upTo: lastSent, started }
        return started
      }
    }
  }

  markCancelled(seq: number): void {
    Atomics.store(this.#shared, cancelledSlot, seq)
  }

  /** Where nothing has started since the last recall, the word holds what was taken back. */
  lastStarted(): number {
    const claimed = Atomics.load(this.#shared, claimedSlot)
    return claimed === this.#recalled.upTo ? this.#recalled.started : claimed
  }
}

/** A thread inherits this process's flags; `--input-type`, of a program given as text, does not go with a file. */
function forProgramText(): { execArgv?: string[] } {
  const { execArgv } = process
  if (!execArgv.some((flag) => flag.startsWith('--input-type'))) return {}
  return { execArgv: execArgv.filter((flag) => /^--(?:conditions|import|require)=/.test(flag)) }
}
