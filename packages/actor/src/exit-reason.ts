/** How one incarnation of a child ended. */
export type ExitReason =
  /** It ended by itself: `ctx.stop()`, a task that returned. */
  | { readonly kind: 'normal' }
  /** It was asked to end, by its supervisor, a caller of `ref.stop(detail)`, or a cancel of its task. */
  | { readonly kind: 'shutdown'; readonly detail?: unknown }
  /** It was killed, on request or because its time to stop had passed; its `onStop` did not run. */
  | { readonly kind: 'killed' }
  /** Something it did threw. */
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

/** What makes a transient child restart, and goes over links. */
export function isAbnormal(reason: ExitReason): boolean {
  return reason.kind === 'error' || reason.kind === 'killed'
}

/** In a few words, for logs and error messages. */
export function formatReason(reason: ExitReason): string {
  if (reason.kind === 'error') return `error: ${formatThrown(reason.error)}`
  if (reason.kind !== 'shutdown' || reason.detail === undefined) return reason.kind
  return `shutdown (${formatThrown(reason.detail)})`
}

/** Whatever was thrown, also what throws when it is looked at. */
export function formatThrown(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`
    if (typeof thrown === 'object' && thrown !== null) return JSON.stringify(thrown)
    return String(thrown)
  } catch {
    return `a ${typeof thrown} that cannot be shown`
  }
}

/** What was thrown; in place of what throws when it is looked at (a hostile proxy) an error that says so. */
export function tame(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error && thrown.name)
    if (typeof thrown === 'object' && thrown !== null) void ('name' in thrown)
    return thrown
  } catch (cause) {
    return new TypeError('something was thrown that cannot be looked at', { cause })
  }
}
