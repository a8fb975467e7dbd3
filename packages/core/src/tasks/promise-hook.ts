import { currentEnvironment } from '../context/async-context.ts'
import { nextTick } from '../loop/clock.ts'
import type { Trail } from './trail.ts'

/**
 * V8's promise hooks report each new promise, and each promise that is settled. They answer three questions about
 * running code that nothing else can answer.
 *
 * 1. A cancel has ended a wait, and the waiting code gets the CancelledError. Does that code continue with an `await`
 * of a foreign promise (a promise that is not a future), or has it ended? That code may be the body of the task, or a
 * call that the program has abandoned, such as a loser of `Promise.race`. If the code has ended and the body of the
 * task has not, the code was not the body, and the body must still get the cancel. If the code awaits a foreign
 * promise, it may be the clean-up of the body, and the cancel is not thrown again. Such an `await` makes a new promise.
 * So the hooks report the promises that code of the cancelled task or scope makes just after it has got the
 * CancelledError, and that are not settled at the end of the turn. The hooks are set once for all cancels that are
 * thrown before the microtask queue is empty.
 *
 * 2. Is a section of the microtask queue empty, which two marks enclose? Each job of a promise makes or settles a
 * promise. `trail.ts` asks this, to find the code that descends from the code that has got a cancel.
 *
 * 3. Has the body of a scope itself begun the work whose promise the body returns? In `timeout(5, () => work())` it
 * has, and after a cancel the scope waits until that work has ended its clean-up. In `timeout(5, () => promise)` it has
 * not, and a cancel of the scope only ends the wait for that promise.
 *
 * To set a hook costs at most 0.4 us. Bun, Deno and workerd have no such hooks. There the answer to question 1 is "it may
 * continue", question 2 is not asked, and the answer to question 3 is "it has".
 */
interface PromiseHooks {
  onInit(hook: (promise: Promise<unknown>) => void): () => void
  onSettled(hook: (promise: Promise<unknown>) => void): () => void
}

const promiseHooks: PromiseHooks | null = findPromiseHooks()

function findPromiseHooks(): PromiseHooks | null {
  if (typeof process === 'undefined' || process.versions?.bun !== undefined) return null
  const v8 = process.getBuiltinModule?.('node:v8') as unknown as
    | { promiseHooks?: PromiseHooks }
    | undefined
  const hooks = v8?.promiseHooks
  if (typeof hooks?.onInit !== 'function' || typeof hooks.onSettled !== 'function') return null
  try {
    let isMade = false
    let isSettled = false
    const stops = [
      hooks.onInit(() => {
        isMade = true
      }),
      hooks.onSettled(() => {
        isSettled = true
      }),
    ]
    void Promise.resolve().then(() => {})
    for (const stop of stops) stop()
    return isMade && isSettled ? hooks : null
  } catch {
    return null
  }
}

export const canSeePromises: boolean = promiseHooks !== null

const microtask = Promise.resolve()

let stopHooks: (() => void)[] = []

/** The number of promises that were made or settled while the hooks were set. */
let events = 0

/** Returns a number that grows each time a promise is made or settled; it grows only after a call of `watchPromises`. */
export function promiseEvents(): number {
  return events
}

/**
 * The promises that were passed to `notePromiseMade` since the hooks were set, and that are not settled. Each has the
 * trail of its loop. If a stray (code that does not descend from the code that got the cancel) settles a promise, the
 * promise stays in this map: the code that got the cancel may then continue beside its trail.
 */
const unsettled = new Map<Promise<unknown>, Trail>()

/** Whether the code that has made `promise`, and has passed it to `notePromiseMade`, may not have ended. */
export function isUnsettled(promise: Promise<unknown>): boolean {
  return unsettled.has(promise)
}

function onPromise(promise: Promise<unknown>): void {
  events++
  for (let frame = currentEnvironment()?.frame ?? null; frame !== null; frame = frame.parent) {
    if (frame.cancellation?.isThrowing !== true) continue
    frame.cancellation.notePromiseMade(promise)
    unsettled.set(promise, frame.loop.trail)
  }
}

function onSettled(promise: Promise<unknown>): void {
  events++
  if (unsettled.get(promise)?.isStray === false) unsettled.delete(promise)
}

/**
 * Called when a wait throws a CancelledError, or code in its clean-up resumes. Watches all promises until the microtask
 * queue is empty, so that `promiseEvents` counts them. If code whose wait has thrown the error makes a promise, the
 * Cancellation of its task or scope notes that: the code has not ended before the promise is settled.
 */
export function watchPromises(): void {
  if (promiseHooks === null || stopHooks.length > 0) return
  stopHooks = [promiseHooks.onInit(onPromise), promiseHooks.onSettled(onSettled)]
  // If this function is called inside a callback of Node, `nextTick` calls back before the microtasks run. So it is
  // called in a microtask.
  void microtask.then(() => nextTick(stopWatching))
}

function stopWatching(): void {
  for (const stop of stopHooks) stop()
  stopHooks = []
  // The turn that runs now ends in this phase of Node, and its end asks for these promises.
  nextTick(forgetPromises)
}

function forgetPromises(): void {
  unsettled.clear()
}

/**
 * The promises that were made since the call of `callNotingPromises` that runs now; if such calls are nested, since the
 * outermost of them.
 */
const made: unknown[] = []

function noteMade(promise: unknown): void {
  made.push(promise)
}

/**
 * Calls `fn` with `argument`. Returns the value that `fn` returned (`returned`), and whether this value is a promise
 * that was made during the call of `fn` and did not exist before (`isOwn`). In a runtime without a promise hook this
 * cannot be known, and `isOwn` is true.
 */
export function callNotingPromises<A, T>(
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
