/** How one incarnation (run of a child, from a start or a restart to the next end) ended. */
export type ExitReason =
  /** The child ended by itself: for example, an actor called `ctx.stop()`, or a task returned. */
  | { readonly kind: 'normal' }
  /** The child was asked to end, for example by its supervisor, by `ref.stop(detail)`, or by a cancel of its task. */
  | { readonly kind: 'shutdown'; readonly detail?: unknown }
  /** The child was killed, on request or because it took too long to stop. Its `onStop` was not called, or was cancelled. */
  | { readonly kind: 'killed' }
  /** The child failed. Usually its code threw: a handler or a hook of an actor, or the code of a task or a resource. */
  | { readonly kind: 'error'; readonly error: unknown }
  /** It is not known how the child ended: it had ended before the caller began to watch it, or it has never run. */
  | { readonly kind: 'noproc' }

export const normal: ExitReason = Object.freeze({ kind: 'normal' })
export const shutdown: ExitReason = Object.freeze({ kind: 'shutdown' })
export const killed: ExitReason = Object.freeze({ kind: 'killed' })
export const noproc: ExitReason = Object.freeze({ kind: 'noproc' })

export function failure(error: unknown): ExitReason {
  return { kind: 'error', error }
}

/**
 * Returns true if the child crashed or was killed. After such an end, a child with the restart type `transient` is
 * restarted, and actors that are linked to the child end too.
 */
export function isAbnormal(reason: ExitReason): boolean {
  return reason.kind === 'error' || reason.kind === 'killed'
}

/**
 * Describes in a few words how a child ended, for logs and error messages.
 *
 * @example
 *     class Clerk extends Actor {}
 *     const clerk = await spawn(Clerk)
 *     clerk.stop('the office closes')
 *     console.log(formatReason(await clerk.whenStopped)) // shutdown (the office closes)
 */
export function formatReason(reason: ExitReason): string {
  if (reason.kind === 'error') return `error: ${formatThrown(reason.error)}`
  if (reason.kind !== 'shutdown' || reason.detail === undefined) return reason.kind
  return `shutdown (${formatThrown(reason.detail)})`
}

/** Describes a thrown value in a few words, even if reading the value throws. */
export function formatThrown(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`
    // JSON.stringify returns undefined for an object whose method `toJSON` returns undefined.
    const json = typeof thrown === 'object' && thrown !== null ? JSON.stringify(thrown) : undefined
    return json ?? String(thrown)
  } catch {
    return `a ${typeof thrown} that cannot be shown`
  }
}

/** Returns `thrown`. But if reading `thrown` throws, as with a hostile Proxy, returns a TypeError instead. */
export function tame(thrown: unknown): unknown {
  try {
    if (thrown instanceof Error) void [thrown.name, thrown.message, thrown.cause]
    if (typeof thrown === 'object' && thrown !== null) void ('name' in thrown)
    return thrown
  } catch (cause) {
    return new TypeError('something was thrown that cannot be looked at', { cause })
  }
}
