import { getEventLoop, sleep, sleepForever, type Task, wait } from '@tasktree/core'

export const now = (): number => getEventLoop().time()

/** Waits until it is cancelled. Then it cleans up for `ms` milliseconds, and adds a line with `name` to `log`. */
export async function withCleanUp(
  ms: number,
  log: string[] = [],
  name = 'clean-up',
): Promise<void> {
  try {
    await sleepForever()
  } finally {
    await sleep(ms / 2)
    await sleep(ms / 2)
    log.push(`${name} ends at ${now()}`)
  }
}

/** Cancels `task` once after 10 ms. Returns how and when the task ended, or 'does not end' if it did not end in 500 ms. */
export async function cancelled(task: Task): Promise<string> {
  const begin = now()
  await sleep(10)
  task.cancel()
  await wait([task], { timeout: 500 })
  if (!task.done()) {
    for (let i = 0; i < 9 && !task.done(); i++) {
      task.cancel()
      await sleep(100)
    }
    return 'does not end'
  }
  const how = task.cancelled() ? 'CancelledError' : (task.exception() as Error | null)?.name
  return `${how ?? 'value'} at ${now() - begin}`
}
