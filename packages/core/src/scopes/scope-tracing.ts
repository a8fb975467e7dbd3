import type { Task } from '../tasks/task.ts'
import { Tracing } from '../tasks/tracing.ts'

/** The kind of a scope: `timeout`; `cancelScope`, `failAfter` or `moveOnAfter`; `taskGroup`; `shielded`. */
export type ScopeKind = 'timeout' | 'scope' | 'group' | 'shield'

/** The message on the tracing channel `tasktree:scope`. */
export interface ScopeMessage {
  /** The task whose code has opened the scope. */
  readonly task: Task
  readonly kind: ScopeKind
  readonly name: string | null
}

/**
 * The tracing channel `tasktree:scope`. One piece of work on it is a scope, from the call of its body until nothing
 * inside it is left.
 */
export const scopeTracing: Tracing<ScopeMessage> = new Tracing('tasktree:scope')

/**
 * Calls `open`, which runs a scope, and publishes the start and the end of the scope. A scope that a cancel has ended
 * is published as cancelled, even if that cancel came from the scope itself, so that the scope throws no error.
 */
export async function traceScope<T>(message: ScopeMessage, open: () => Promise<T>): Promise<T> {
  try {
    const result = await scopeTracing.run(message, message, open)
    scopeTracing.settle(
      message,
      isCancelledScope(message, result) ? { cancelled: true } : { result },
    )
    return result
  } catch (error) {
    scopeTracing.settle(message, { error })
    throw error
  }
}

/** Whether `result` is the ScopeResult of a scope that was cancelled. The result of a group is the program's own. */
function isCancelledScope({ kind }: ScopeMessage, result: unknown): boolean {
  if (kind !== 'scope' || typeof result !== 'object' || result === null) return false
  return 'cancelled' in result && result.cancelled === true
}
