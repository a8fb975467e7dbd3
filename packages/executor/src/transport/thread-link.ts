import { type ResourceLimits, type Transferable, Worker } from 'node:worker_threads'
import { JobClaims } from './claims.ts'
import { type FromWorker, identityKey, type ToWorker } from './protocol.ts'
import { workerEntry, type WorkerLink, type WorkerListener } from './worker-link.ts'

export interface ThreadOptions {
  readonly name: string
  readonly resourceLimits: ResourceLimits | undefined
  readonly env: NodeJS.ProcessEnv | undefined
}

export class ThreadLink implements WorkerLink {
  readonly #worker: Worker
  readonly #claims = new JobClaims()

  constructor(id: number, listener: WorkerListener, options: ThreadOptions) {
    const { env, resourceLimits } = options
    const worker = new Worker(workerEntry, {
      name: `${options.name}-${id}`,
      workerData: { [identityKey]: { id, shared: this.#claims.memory } },
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
    return this.#claims.recall(lastSent)
  }

  markCancelled(seq: number): void {
    this.#claims.cancel(seq)
  }

  lastStarted(): number {
    return this.#claims.lastStarted()
  }
}

/** A thread inherits this process's flags; `--input-type`, of a program given as text, does not go with a file. */
function forProgramText(): { execArgv?: string[] } {
  const { execArgv } = process
  if (!execArgv.some((flag) => flag.startsWith('--input-type'))) return {}
  return { execArgv: execArgv.filter((flag) => /^--(?:conditions|import|require)=/.test(flag)) }
}
