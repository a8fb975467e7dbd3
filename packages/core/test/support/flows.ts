import { getEventLoop, sleep, sleepForever, type Task, wait } from '@tasktree/core'

export const now = (): number => getEventLoop().time()

/** Waits, and cleans up for `ms` milliseconds when the wait is cancelled. */
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

/** Cancels `task` after 10 ms, once. Returns how the task ended, and when; or that it did not end in 500 ms. */
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
