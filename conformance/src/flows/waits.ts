import { ensureFuture, type EventLoop, Future, sleep } from '@tasktree/core'
import { Event, Queue } from '@tasktree/sync'
import type { Mode, WaitKind } from './program.ts'

/** A wait of the library; `ms` is null when nothing ends it. */
export function startWait(
  kind: WaitKind,
  ms: number | null,
  loop: EventLoop,
  mode: Mode,
): PromiseLike<unknown> {
  switch (kind) {
    case 'sleep':
      return sleep(ms ?? Infinity)
    case 'future': {
      const future = new Future<void>()
      const resolve = (): void => {
        if (!future.done()) future.setResult()
      }
      if (ms !== null) loop.callLater(ms, resolve)
      return future
    }
    case 'chain':
      return sleep(ms ?? Infinity).finally(() => {})
    case 'ensureFuture':
      return ensureFuture(ms === null ? new Promise(() => {}) : foreign(loop, ms, mode))
    case 'event': {
      const event = new Event()
      if (ms !== null) loop.callLater(ms, () => event.set())
      return event.wait()
    }
    case 'queue':
    default: {
      const queue = new Queue<null>()
      if (ms !== null) loop.callLater(ms, () => queue.putNowait(null))
      return queue.get()
    }
  }
}

/** A promise that the library did not make. Under virtual time a timer of the loop resolves it. */
export function foreign(loop: EventLoop, ms: number, mode: Mode): Promise<void> {
  return new Promise((resolve) => {
    if (mode === 'real') setTimeout(resolve, ms)
    else loop.callLater(ms, resolve)
  })
}

/** What Node's own functions throw when their signal aborts. */
export function abortError(reason: unknown): Error {
  const error = new Error('the wait was aborted', { cause: reason })
  error.name = 'AbortError'
  return error
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** What Node's own calls do with a signal: the promise rejects at once when it aborts, and the error's cause is the reason. */
export async function abortable(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(abortError(signal.reason))
  signal.addEventListener('abort', onAbort)
  try {
    await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
