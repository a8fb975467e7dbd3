import { callSites } from '../futures/await-sites.ts'
import type { Reject, Resolve } from '../futures/awaiter.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { framesOf } from './frame-tree.ts'
import { type FrameWaits } from './frame-waits.ts'
import type { Task } from './task.ts'

/**
 * The problem: a task that has lost a `Promise.race` still waits on the losing branch, as far as a frame can see. The
 * frame has the functions of the promise that `Promise.race` awaits, but the code that awaited the race has continued.
 * Nothing tells when native promises are awaited. So a frame cannot say whether the body of its task waits.
 *
 * The idea: V8 knows, because its stack traces show which async functions wait for the running one ("at async main").
 * V8 finds them by following the pending promises: from the promise that is being resolved to the code that awaits it,
 * from the promise of that code to the next one, through `Promise.all`, `race`, `any` and `then`. It stops at a promise
 * that has settled. To ask for such a trace, this file resolves the promise of an `await` with a thenable. V8 calls the
 * `then` of the thenable in a microtask of that promise, and passes new functions for it. `then` reads the trace, and
 * passes the outcome on to the new functions later. At the end of the chain, an async function of this file awaits the
 * end of the body. If this function is in the trace, the body waits.
 *
 * The answer may be false although the body waits, because V8 does not follow a promise that two places await, a promise
 * that a callback of the program resolves, or more than `longestTrace` async functions. It is always false on an engine
 * without such traces, as that of Bun.
 */

/** The number of async functions in a trace at most. Without a limit, V8 would follow a long chain of calls to its end. */
const longestTrace = 200

/** The promises whose end `awaitEnd` awaits. V8 would not follow a promise that is awaited twice. */
const awaited = new WeakSet<Promise<unknown>>()

async function awaitEnd(end: Promise<unknown>): Promise<void> {
  await end
}

/** The file, line and column of the `await` in `awaitEnd`. V8 shows them in a stack trace that reaches `awaitEnd`. */
let place: Promise<string | null> | null = null

/**
 * Whether the body of `task` waits for `future` now: directly, through async functions, or through `Promise.all` and
 * its like. False for a lost branch of `Promise.race` and for a call that no code awaits, although `task.waitingOn`
 * lists their futures. The waits continue as before, but a few microtasks later.
 *
 * False also if this cannot be known: the runtime is not based on V8, two places await the same promise, or a callback
 * of the program resolves it.
 *
 * If the task runs several flows of control, `end` says which of them is meant: a promise that fulfils when that flow
 * has ended, and that no code awaits. Without it, the flow of the task's body is meant.
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
      if (each === future && !each.done()) waits.push([frame, key])
    })
  }
  // A generator, and a body that has returned a future, have only one flow. Waits that are left after the end of the
  // body belong to calls that no code awaits.
  if (end === null) return task.ownExecution().body !== null && waits.length > 0
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
 * Reads the trace of the code behind an `await`, as a list of places in the program. `replace` puts new functions in
 * the place of those of the `await`, and returns the `resolve` of the old ones.
 */
function traceOf(replace: (resolve: Resolve, reject: Reject) => Resolve | null): Promise<string[]> {
  const outcome = Promise.withResolvers<unknown>()
  const resolve = replace(outcome.resolve, outcome.reject as Reject)
  if (resolve === null) return Promise.resolve([])
  return new Promise((settle) => {
    resolve({
      // oxlint-disable-next-line unicorn/no-thenable -- V8 calls it in a microtask of the promise that is asked about
      then(onFulfilled: Resolve, onRejected: Reject): void {
        settle(callSites(longestTrace).filter(isAsync).map(placeOf))
        void outcome.promise.then(onFulfilled, onRejected)
      },
    })
  })
}

/** Whether `site` is an async function that waits. Engines other than V8 may have no such method. */
function isAsync(site: Partial<NodeJS.CallSite>): boolean {
  return site.isAsync?.() === true
}

function placeOf(site: NodeJS.CallSite): string {
  return `${site.getFileName()}:${site.getLineNumber()}:${site.getColumnNumber()}`
}

/**
 * Returns the file, line and column of the `await` in `awaitEnd`, read from a stack trace; null if the stack traces of
 * this engine do not show waiting functions.
 */
async function findPlace(): Promise<string | null> {
  const end = Promise.withResolvers<unknown>()
  void awaitEnd(end.promise)
  const trace = await traceOf(() => end.resolve)
  return trace.at(-1) ?? null
}
