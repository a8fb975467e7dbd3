import { ensureFuture, type EventLoop, Future, sleep } from '@tasktree/core'
import { Event, Queue } from '@tasktree/sync'
import type { Mode, WaitKind } from './program.ts'

/** Starts a wait for something that Tasktree makes. It ends after `ms` milliseconds; if `ms` is null, it never ends by itself. */
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

/** Returns a native promise, which Tasktree did not make. Under virtual time a timer of the loop resolves it. */
export function foreign(loop: EventLoop, ms: number, mode: Mode): Promise<void> {
  return new Promise((resolve) => {
    if (mode === 'real') setTimeout(resolve, ms)
    else loop.callLater(ms, resolve)
  })
}

/** Makes an error like the error that Node's own functions throw when their signal aborts. */
export function abortError(reason: unknown): Error {
  const error = new Error('the wait was aborted', { cause: reason })
  error.name = 'AbortError'
  return error
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/**
 * Waits for `promise` as Node's own functions do when they get a signal: when the signal aborts, it rejects at once, and the
 * `cause` of the error is the signal's reason.
 */
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
