import { callSites } from '../futures/await-sites.ts'
import type { Reject, Resolve } from '../futures/awaiter.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { ChainWait } from './chain-wait.ts'
import { framesOf } from './frame-tree.ts'
import { type FrameWaits } from './frame-waits.ts'
import type { Task } from './task.ts'

/**
 * The problem: after a `Promise.race`, a task still seems to wait on the future of the losing branch. The task keeps a
 * list of its waits. For each wait, the list has the two functions with which `Promise.race` has called `then` of the
 * future. But the code that awaited the race has continued. JavaScript does not report when code awaits a native
 * promise. So the list does not show whether the body of the task still waits.
 *
 * The idea: V8 knows, because its stack traces show which async functions wait for the running code ("at async main").
 * V8 finds these functions by following the pending promises. It goes from the promise that is being resolved to the
 * async function that awaits this promise, then from the promise of that function to the next function, and so on, also
 * through `Promise.all`, `race`, `any` and `then`. It stops at a promise that has settled.
 *
 * To get such a trace, this file resolves the promise of an `await` with a thenable, which is an object with a method
 * `then`. V8 calls this `then` in a microtask of that promise, and passes two new functions that settle the promise.
 * `then` reads the trace, and later passes the outcome of the future to the new functions. The function `awaitEnd` of
 * this file awaits the end of the body. So if the trace goes from the `await` through other async functions to the
 * body, it also goes on to `awaitEnd`. If `awaitEnd` is in the trace, the body waits.
 *
 * The answer may be false although the body waits, because V8 does not follow a promise that is awaited twice, a
 * promise that a callback of the program resolves, or more than `longestTrace` async functions. On an engine without
 * such traces, such as the engine of Bun, the answer for an async body is always false.
 */

/**
 * A stack trace has at most this many async functions. Without a limit, V8 would collect all functions that wait for
 * each other, and there may be very many.
 */
const longestTrace = 200

/**
 * The promises that were passed to `awaitEnd`. Each promise is passed only once. If two calls of `awaitEnd` awaited the
 * same promise, V8 would show neither of them in a stack trace, and `bodyWaitsFor` would wrongly return false.
 */
const awaited = new WeakSet<Promise<unknown>>()

async function awaitEnd(end: Promise<unknown>): Promise<void> {
  await end
}

/**
 * The file, line and column of the `await` in `awaitEnd`. If the stack trace of a wait contains this place, the body
 * waits. Null before the first call of `bodyWaitsFor`.
 */
let place: Promise<string | null> | null = null

/**
 * Whether the body of `task` waits for `future` now: directly or through `catch` and the like, through async functions,
 * or through `Promise.all` and similar functions. False if only a lost branch of `Promise.race`, or a call of an async
 * function without `await`, waits for `future`; `task.waitingOn` lists the future in this case too. A call of
 * `bodyWaitsFor` ends no wait, but the waiting code later resumes a few microtasks later than it otherwise would.
 *
 * False also if the answer cannot be known: the runtime is not based on V8, a promise between the body and `future` is
 * awaited twice, or a callback of the program resolves such a promise. But if a generator awaits a promise that is not
 * a future, the answer is true if any code of the task waits for `future`.
 *
 * To ask about another async function of the task than its body, pass `end`: a promise that fulfils when that function
 * has ended. No other code may await `end`, or call its `then`. Otherwise the answer is false even if the function
 * waits.
 *
 * @example
 *     import { setImmediate, setTimeout } from 'node:timers/promises'
 *
 *     const answer = new Future<string>()
 *     const task = createTask(async () => {
 *       await Promise.race([answer, setImmediate()])
 *       await setTimeout(50)
 *     })
 *     await sleep(20)
 *     console.log(task.waitingOn.has(answer), await bodyWaitsFor(task, answer)) // true false
 */
export async function bodyWaitsFor(
  task: Task,
  future: Future<unknown>,
  end: Promise<unknown> | null = task.ownExecution().bodyEnd,
): Promise<boolean> {
  place ??= findPlace()
  const marker = await place
  const waits: [FrameWaits, Reaction][] = []
  for (const frame of framesOf(task.ownExecution())) {
    frame.peekWaits((key, each) => {
      if (future.done()) return
      const isChained = each instanceof ChainWait && each.source === future
      if (each === future || isChained) waits.push([frame, key])
    })
  }
  if (end === null) return waits.length > 0 && mayWaitWithoutEnd(task, waits)
  if (marker === null) return false
  if (!awaited.has(end)) {
    awaited.add(end)
    void awaitEnd(end)
  }
  const answers = waits.map(([frame, key]) =>
    traceOf((resolve, reject) => frame.replaceFunctions(key, resolve, reject)),
  )
  const traces = await Promise.all(answers)
  return traces.some((trace) => trace.includes(marker))
}

/**
 * Does the work of `bodyWaitsFor` if there is no promise for the end of the body: the body is a generator, has returned
 * a future or another thenable, or has ended. `waits` are the waits of the task for the future. A generator, or the
 * body that has returned a future, waits in one place, which is known. But if a generator awaits a promise that is not
 * a future, the answer cannot be known, and is true. After the end of the body, only other calls can wait.
 */
function mayWaitWithoutEnd(task: Task, waits: readonly [FrameWaits, Reaction][]): boolean {
  const execution = task.ownExecution()
  if (execution.body === null) return false
  if (execution.isOwnWait()) return true
  let waitsHere = false
  execution.peekWaits((key) => {
    waitsHere ||= key === execution
  })
  return !waitsHere || waits.some(([, key]) => key === execution)
}

/**
 * Returns the stack trace of the code that an `await` will resume, as a list of texts `file:line:column`. `replace`
 * must replace the two functions that the `await` has passed to `then`, and return the old `resolve`. If the waiting
 * code is not an `await`, `replace` must return null. The list is then empty, so the wait does not count as a wait of
 * the body.
 */
function traceOf(replace: (resolve: Resolve, reject: Reject) => Resolve | null): Promise<string[]> {
  const outcome = Promise.withResolvers<unknown>()
  const resolve = replace(outcome.resolve, outcome.reject as Reject)
  if (resolve === null) return Promise.resolve([])
  return new Promise((settle) => {
    resolve({
      // oxlint-disable-next-line unicorn/no-thenable -- V8 calls this method, and the stack trace shows what waits
      then(onFulfilled: Resolve, onRejected: Reject): void {
        settle(callSites(longestTrace).filter(isAsync).map(placeOf))
        void outcome.promise.then(onFulfilled, onRejected)
      },
    })
  })
}

/**
 * Whether `site`, one function of a stack trace, is an async function that waits. Engines other than V8 may not have
 * the method `isAsync`.
 */
function isAsync(site: Partial<NodeJS.CallSite>): boolean {
  return site.isAsync?.() === true
}

function placeOf(site: NodeJS.CallSite): string {
  return `${site.getFileName()}:${site.getLineNumber()}:${site.getColumnNumber()}`
}

/**
 * Returns the file, line and column of the `await` in `awaitEnd`, read from a stack trace. If the stack trace of a wait
 * contains this place, the body of the task waits. Returns null if the stack traces of this engine do not show waiting
 * functions; `bodyWaitsFor` then returns false for every async body.
 */
async function findPlace(): Promise<string | null> {
  const end = Promise.withResolvers<unknown>()
  void awaitEnd(end.promise)
  const trace = await traceOf(() => end.resolve)
  return trace.at(-1) ?? null
}
