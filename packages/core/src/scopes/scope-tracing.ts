import type { Task } from '../tasks/task.ts'
import { Tracing } from '../tasks/tracing.ts'

/**
 * The kind of a scope. `timeout`, `timeoutAt` and `waitFor` open a 'timeout'. `cancelScope`, `failAfter` and
 * `moveOnAfter` open a 'scope'. `taskGroup` opens a 'group', and `shielded` opens a 'shield', which keeps out cancels
 * from outside.
 */
export type ScopeKind = 'timeout' | 'scope' | 'group' | 'shield'

/** The message on the tracing channel `tasktree:scope`. */
export interface ScopeMessage {
  /** The task whose code has opened the scope. */
  readonly task: Task
  readonly kind: ScopeKind
  readonly name: string | null
}

/**
 * The tracing channel `tasktree:scope`. It has one start and one end message for each scope: the start before the body
 * is called, and the end when the scope has ended.
 */
export const scopeTracing: Tracing<ScopeMessage> = new Tracing('tasktree:scope')

/**
 * Calls `open`, which runs a scope, and publishes the start and the end of the scope. If `open` returns a result and
 * `isCancelled` then returns true, because a cancel has ended the body, the scope is published as cancelled.
 */
export async function traceScope<T>(
  message: ScopeMessage,
  open: () => Promise<T>,
  isCancelled: () => boolean,
): Promise<T> {
  try {
    const result = await scopeTracing.run(message, message, open)
    scopeTracing.settle(message, isCancelled() ? { cancelled: true } : { result })
    return result
  } catch (error) {
    scopeTracing.settle(message, { error })
    throw error
  }
}
