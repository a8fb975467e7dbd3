import { runningScope } from '../context/async-context.ts'
import { nextTick } from '../loop/clock.ts'

/**
 * What V8's promise hook tells about flows of control, for two questions that nothing else can answer.
 *
 * 1. Does a flow that a cancel has struck go on in a foreign await, or is it over? The wait of an abandoned call and the
 * wait of the main flow look the same. If the struck flow is over and the body has not ended, the body must be another
 * flow, and the cancel is still due for it. If the struck flow awaits a foreign promise in its clean-up, the cancel has
 * arrived. A foreign await makes a promise, so the hook reports the promises that code of the frame makes in the turn in
 * which the struck wait throws. It is set once for all cancels of one burst of microtasks.
 *
 * 2. Has a scope's body begun the work whose promise it returns? In `timeout(5, () => work())` it has, and the scope
 * waits until that work has unwound. In `timeout(5, () => promise)` it has not, and the scope ends its own wait only.
 *
 * Setting the hook costs 0.4 us. Where there is none (Bun, Deno, workerd) the answer to 1 is "it may have gone on", and
 * the answer to 2 is "it has".
 */
interface PromiseHooks {
  onInit(hook: (promise: Promise<unknown>) => void): () => void
}

const promiseHooks: PromiseHooks | null = findPromiseHooks()

function findPromiseHooks(): PromiseHooks | null {
  if (typeof process === 'undefined' || process.versions?.bun !== undefined) return null
  const v8 = process.getBuiltinModule?.('node:v8') as unknown as
    | { promiseHooks?: PromiseHooks }
    | undefined
  const hooks = v8?.promiseHooks
  if (typeof hooks?.onInit !== 'function') return null
  try {
    let seen = false
    const stop = hooks.onInit(() => {
      seen = true
    })
    void Promise.resolve().then(() => {})
    stop()
    return seen ? hooks : null
  } catch {
    return null
  }
}

export const canSeeFlows: boolean = promiseHooks !== null

let stopHook: (() => void) | null = null

function onPromise(): void {
  for (let frame = runningScope()?.frame ?? null; frame !== null; frame = frame.parent) {
    if (frame.cancellation?.isInTurn === true) frame.cancellation.goOn()
  }
}

/** Until the burst of microtasks ends, reports promises that are made in frames in whose turn a struck wait throws. */
export function watchFlows(): void {
  if (promiseHooks === null || stopHook !== null) return
  stopHook = promiseHooks.onInit(onPromise)
  nextTick(stopWatching)
}

function stopWatching(): void {
  stopHook?.()
  stopHook = null
}

/** The promises made since the outermost `callAndLook` began. */
const made: unknown[] = []

function noteMade(promise: unknown): void {
  made.push(promise)
}

/** Calls `fn` with `argument`; whether it has made the promise that it returns, as far as can be told. */
export function callAndLook<A, T>(
  fn: (argument: A) => T,
  argument: A,
): { returned: T; isOwn: boolean } {
  if (promiseHooks === null) return { returned: fn(argument), isOwn: true }
  const before = made.length
  const stop = promiseHooks.onInit(noteMade)
  try {
    const returned = fn(argument)
    return { returned, isOwn: made.lastIndexOf(returned) >= before }
  } finally {
    stop()
    if (before === 0) made.length = 0
  }
}
