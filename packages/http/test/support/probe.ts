import { allTasks, Future, sleep } from '@tasktree/core'

/** A list of entries about what has happened. A test can wait for an entry. */
export class Log {
  readonly entries: string[] = []
  #waiters: [string, Future<void>][] = []

  add(entry: string): void {
    this.entries.push(entry)
    for (const [expected, waiter] of this.#waiters) {
      if (expected === entry && !waiter.done()) waiter.setResult()
    }
  }

  /** Waits until the log contains `entry`. */
  async until(entry: string): Promise<void> {
    if (this.entries.includes(entry)) return
    const waiter = new Future<void>()
    this.#waiters.push([entry, waiter])
    await waiter
  }

  /** Work of a handler that only a cancel ends. */
  async work(name: string): Promise<never> {
    this.add(`${name} began`)
    try {
      await sleep(60_000)
      throw new Error('the work was not cancelled')
    } finally {
      this.add(`${name} ended`)
    }
  }

  /** The same work with a clean-up that takes `ms` milliseconds. */
  async workAndClean(name: string, ms: number): Promise<never> {
    try {
      return await this.work(name)
    } finally {
      await sleep(ms)
      this.add('clean')
    }
  }

  /** Returns a response whose body repeats one part, until a cancel or the end of the connection ends it. */
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

/** Returns the names of the tasks of requests that have not ended. */
export function requestTasks(): string[] {
  return [...allTasks()].map((task) => task.name).filter((name) => /^[A-Z]+ \//.test(name))
}
