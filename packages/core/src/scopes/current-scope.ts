import { currentFrame } from '../context/current.ts'
import { ScopeFrame } from '../tasks/scope-frame.ts'
import { CancelScope } from './cancel-scope.ts'

/**
 * The nearest scope of `cancelScope`, `failAfter` or `moveOnAfter` around the running code; null if there is none. The
 * scopes around a task group are also around each task of the group.
 *
 * @example
 *     const result = await cancelScope(async () => {
 *       await sleep(1)
 *       currentScope()?.cancel('enough') // deep in the code, without a parameter
 *       await sleepForever()
 *     })
 *     console.log(result.cancelled) // true
 */
export function currentScope(): CancelScope | null {
  for (let frame = currentFrame(); frame !== null; frame = frame.enclosing) {
    if (frame instanceof ScopeFrame && frame.scope instanceof CancelScope) return frame.scope
  }
  return null
}

/**
 * Returns the nearest deadline of the scopes around the running code, in milliseconds of the loop's clock. Returns
 * Infinity if none of them has a deadline, and -Infinity if a `cancelScope` or a similar scope is cancelled already, or
 * a `timeout` has cancelled its body. If a scope is a shield (it keeps out cancels from outside), the scopes around it
 * do not count.
 *
 * @example
 *     await failAfter(1_000, async () => {
 *       const left = effectiveDeadline() - getRunningLoop().time()
 *       console.log(left > 900 && left <= 1_000) // true
 *     })
 *     console.log(effectiveDeadline()) // Infinity
 */
export function effectiveDeadline(): number {
  let nearest = Infinity
  for (let frame = currentFrame(); frame !== null; frame = frame.enclosing) {
    if (frame.cancellation?.isScopeCancelled === true) return -Infinity
    if (frame instanceof ScopeFrame && frame.scope !== null) {
      nearest = Math.min(nearest, frame.scope.deadline)
    }
    if (frame.isShielded) break
  }
  return nearest
}
