/** How one incarnation of a child ended. */
export type ExitReason =
  /** It ended by itself: `ctx.stop()`, a task that returned. */
  | { readonly kind: 'normal' }
  /** It was asked to end, by its supervisor, a caller of `ref.stop(detail)`, or a cancel of its task. */
  | { readonly kind: 'shutdown'; readonly detail?: unknown }
  /** It was killed, on request or because its time to stop had passed; its `onStop` did not run. */
  | { readonly kind: 'killed' }
  /** A handler, a hook, the task or the resource threw. */
  | { readonly kind: 'error'; readonly error: unknown }
  /** Seen by monitors only: there was nothing to watch. */
  | { readonly kind: 'noproc' }

export const normal: ExitReason = Object.freeze({ kind: 'normal' })
export const shutdown: ExitReason = Object.freeze({ kind: 'shutdown' })
export const killed: ExitReason = Object.freeze({ kind: 'killed' })
export const noproc: ExitReason = Object.freeze({ kind: 'noproc' })

export function failure(error: unknown): ExitReason {
  return { kind: 'error', error }
}

/** Whether it makes a transient child restart, and brings down linked actors. */
export function isAbnormal(reason: ExitReason): boolean {
  return reason.kind === 'error' || reason.kind === 'killed'
}

/** Describes it in a few words, for logs and error messages. */
export function formatReason(reason: ExitReason): string {
  if (reason.kind === 'error') return `error: ${formatThrown(reason.error)}`
  if (reason.kind !== 'shutdown' || reason.detail === undefined) return reason.kind
  return `shutdown (${formatThrown(reason.detail)})`
}

/** Describes anything that was thrown, even an object that throws when it is looked at. */
export function formatThrown(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`
    if (typeof thrown === 'object' && thrown !== null) return JSON.stringify(thrown)
    return String(thrown)
  } catch {
    return `a ${typeof thrown} that cannot be shown`
  }
}

/** Returns what was thrown. For an object that throws when it is looked at, such as a hostile Proxy, returns an error that says so. */
export function tame(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error && thrown.name)
    if (typeof thrown === 'object' && thrown !== null) void ('name' in thrown)
    return thrown
  } catch (cause) {
    return new TypeError('something was thrown that cannot be looked at', { cause })
  }
}
