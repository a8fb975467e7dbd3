import { describe } from '@tasktree/core/lowlevel'

/** Returns `thrown`, which `who` threw, or an error in its place if it throws when it is looked at, as a Proxy can. */
export function readable(thrown: unknown, who: string): unknown {
  try {
    void (thrown instanceof Error)
    return thrown
  } catch {
    return new TypeError(`${who} threw a value that cannot be looked at`)
  }
}

/** Returns the message of `thrown`, which may be any value. */
export function textOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } catch {
    return describe(thrown)
  }
}
