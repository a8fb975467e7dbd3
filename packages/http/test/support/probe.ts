import { allTasks, Future, sleep } from '@tasktree/core'

/** Notes what happens, and lets a test wait for it. */
export class Log {
  readonly entries: string[] = []
  #waiters: [string, Future<void>][] = []

  add(entry: string): void {
    this.entries.push(entry)
    for (const [expected, waiter] of this.#waiters) {
      if (expected === entry && !waiter.done()) waiter.setResult()
    }
  }

  /** Waits until `entry` is there. */
  async until(entry: string): Promise<void> {
    if (this.entries.includes(entry)) return
    const waiter = new Future<void>()
    this.#waiters.push([entry, waiter])
    await waiter
  }

  /** A handler's work that only a cancel ends. */
  async work(name: string): Promise<never> {
    this.add(`${name} began`)
    try {
      await sleep(60_000)
      throw new Error('the work was not cancelled')
    } finally {
      this.add(`${name} ended`)
    }
  }

  /** The work, whose clean-up takes `ms` milliseconds. */
  async workAndClean(name: string, ms: number): Promise<never> {
    try {
      return await this.work(name)
    } finally {
      await sleep(ms)
      this.add('clean')
    }
  }

  /** A response whose body has the same part again and again, until a cancel or the end of the connection ends it. */
  endlessResponse(): Response {
    return new Response(ReadableStream.from(this.#endlessParts()))
  }

  async *#endlessParts(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield Buffer.from('part')
        await sleep(1)
      }
    } finally {
      this.add('the source ended')
    }
  }
}

/** The names of the tasks of requests that are left. */
export function requestTasks(): string[] {
  return [...allTasks()].map((task) => task.name).filter((name) => /^[A-Z]+ \//.test(name))
}
