import { Worker } from 'node:worker_threads'

/**
 * Sends requests, one after another, to a worker thread that runs `file` against the source of the packages. A thread that does
 * not answer in time is terminated, and the next request gets a new thread.
 */
export class IsolatedRunner<Request, Answer> implements AsyncDisposable {
  readonly #file: URL
  #worker: Worker | null = null

  constructor(file: URL) {
    this.#file = file
  }

  /** Resolves with the worker's answer, or with a reason (a string) if no answer came within `patience` milliseconds. */
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

  /** Ends the thread, so that the next request gets a new one. */
  async restart(): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.restart()
  }
}
