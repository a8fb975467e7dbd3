/** Returns `thrown`, which `who` threw, or an error in its place if it throws when it is looked at, as a Proxy can. */
export function readable(thrown: unknown, who: string): unknown {
  try {
    void (thrown instanceof Error)
    return thrown
  } catch {
    return new TypeError(`${who} threw a value that cannot be looked at`)
  }
}
