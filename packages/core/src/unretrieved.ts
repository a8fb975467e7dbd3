import type { Future } from './future.ts'
import type { EventLoop } from './loop.ts'

/**
 * An exception that nobody has looked at yet. It is reported once: when its future is collected, or
 * when the run of its loop ends, whichever is first. It must not refer to the future.
 */
export interface Unretrieved {
  readonly loop: EventLoop
  readonly what: string
  readonly name: string | null
  readonly exception: unknown
  readonly future: WeakRef<Future<unknown>>
}

const tokens = new WeakMap<Future<unknown>, Unretrieved>()
const collected = new FinalizationRegistry<Unretrieved>(report)

export function reportUnretrieved(future: Future<unknown>, exception: unknown): void {
  const task = 'name' in future ? String(future.name) : null
  const token: Unretrieved = {
    loop: future.getLoop(),
    what: task === null ? 'Future' : 'Task',
    name: task,
    exception,
    future: new WeakRef(future),
  }
  tokens.set(future, token)
  token.loop.unretrieved.add(token)
  collected.register(future, token, token)
}

export function forgetUnretrieved(future: Future<unknown>): void {
  const token = tokens.get(future)
  if (token === undefined) return
  tokens.delete(future)
  token.loop.unretrieved.delete(token)
  collected.unregister(token)
}

/** What is left when a run ends. */
export function reportAllUnretrieved(loop: EventLoop): void {
  for (const token of loop.unretrieved) {
    collected.unregister(token)
    report(token)
  }
}

function report(token: Unretrieved): void {
  if (!token.loop.unretrieved.delete(token)) return
  const future = token.future.deref()
  if (future !== undefined) tokens.delete(future)
  const isTask = token.what === 'Task'
  token.loop.callExceptionHandler({
    message: `${token.what} exception was never retrieved${token.name === null ? '' : `: ${token.name}`}`,
    exception: token.exception,
    ...(future === undefined ? {} : isTask ? { task: future as never } : { future }),
  })
}
