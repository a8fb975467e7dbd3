import { Worker } from 'node:worker_threads'

/**
 * Asks a worker file one request after another, with the packages taken from source. A thread that spins is ended, and the
 * next request gets a new one.
 */
export class IsolatedRunner<Request, Answer> implements AsyncDisposable {
  readonly #file: URL
  #worker: Worker | null = null

  constructor(file: URL) {
    this.#file = file
  }

  /** The worker's answer, or the reason why there is none after `patience` milliseconds. */
  async ask(request: Request, patience: number): Promise<Answer | string> {
    this.#worker ??= new Worker(this.#file, { execArgv: ['--conditions=@tasktree/source'] })
    const worker = this.#worker
    const { promise, resolve } = Promise.withResolvers<{ answer: Answer } | { failure: string }>()
    const onMessage = (answer: Answer): void => resolve({ answer })
    const onError = (error: unknown): void => {
      resolve({ failure: `the thread ends with ${String(error)}` })
    }
    const alarm = setTimeout(() => resolve({ failure: 'the program spins' }), patience)
    worker.once('message', onMessage)
    worker.once('error', onError)
    worker.postMessage(request)
    const result = await promise
    clearTimeout(alarm)
    worker.off('message', onMessage)
    worker.off('error', onError)
    if ('answer' in result) return result.answer
    await this.restart()
    return result.failure
  }

  /** The next request gets a thread of its own. */
  async restart(): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.restart()
  }
}
