import { currentScope } from '../context/async-context.ts'
import type { Cancellation } from './cancellation.ts'
import type { Frame } from './frame.ts'

/**
 * Tells whether a flow of control that a cancel has struck goes on in a foreign await, or is over.
 *
 * The problem: the wait of an abandoned call and the wait of the main flow look the same from outside. When the struck
 * flow is over without the body having ended, the body must be another flow, and the cancel is still due for it. When
 * the struck flow awaits a foreign promise in its clean-up, the cancel has arrived.
 *
 * The idea: a foreign await makes a promise. So while a struck flow has its turn, V8's promise hook reports each promise
 * that code of the frame makes. The hook costs 0.4 us to set, and is set once for all cancels of one burst of
 * microtasks. Where there is no such hook (Bun, Deno, workerd) this evidence is missing.
 */
interface PromiseHooks {
  onInit(hook: () => void): () => void
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

const watched = new Set<Frame>()
let stopHook: (() => void) | null = null

function onPromise(): void {
  if (watched.size === 0) return
  for (let frame = currentScope()?.frame ?? null; frame !== null; frame = frame.parent) {
    if (watched.has(frame)) (frame.cancellation as Cancellation).goOn()
  }
}

/** Reports promises made by code of `frame` until `unwatchFlow`. */
export function watchFlow(frame: Frame): void {
  if (promiseHooks === null) return
  watched.add(frame)
  if (stopHook !== null) return
  stopHook = promiseHooks.onInit(onPromise)
  process.nextTick(() => {
    stopHook?.()
    stopHook = null
    watched.clear()
  })
}

export function unwatchFlow(frame: Frame): void {
  watched.delete(frame)
}
