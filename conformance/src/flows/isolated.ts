import { Worker } from 'node:worker_threads'
import type { Program } from './program.ts'
import type { Report } from './run.ts'
import type { Request } from './worker.ts'

/** How long a program may keep its thread busy. It is longer than the thread waits for a program that only hangs. */
const patience = 15_000

/** Runs programs in another thread, one after another, from the sources of the packages. */
export class IsolatedRunner implements AsyncDisposable {
  #worker: Worker | null = null

  async run(program: Program, real: boolean): Promise<Report> {
    this.#worker ??= new Worker(new URL('./worker.ts', import.meta.url), {
      execArgv: ['--conditions=@tasktree/source'],
    })
    const worker = this.#worker
    const { promise, resolve } = Promise.withResolvers<Report>()
    const fail = (text: string): void => {
      resolve({ faults: [{ rule: 'I4', text }], lines: [], hangs: true })
    }
    const onError = (error: unknown): void => fail(`the thread ends with ${String(error)}`)
    const alarm = setTimeout(() => fail('the program spins'), patience)
    worker.once('message', resolve)
    worker.once('error', onError)
    worker.postMessage({ program, real } satisfies Request)
    const report = await promise
    clearTimeout(alarm)
    worker.off('message', resolve)
    worker.off('error', onError)
    if (report.hangs) await this[Symbol.asyncDispose]()
    return report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = null
  }
}
