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
}

/** The names of the tasks of requests that are left. */
export function requestTasks(): string[] {
  return [...allTasks()].map((task) => task.name).filter((name) => /^[A-Z]+ \//.test(name))
}
