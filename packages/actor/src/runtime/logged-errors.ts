/**
 * Remembers the errors that a system has logged, so that the stack of each is logged only once. One crash may end
 * several children in turn: the error of a supervisor then has the error of its child as its cause.
 */
export class LoggedErrors {
  readonly #logged = new WeakSet<object>()

  /** Adds `error` and its causes. Returns whether one of them had been added before. */
  add(error: unknown): boolean {
    const chain = new Set<object>()
    let known = false
    let each = error
    while (typeof each === 'object' && each !== null && !chain.has(each)) {
      known = this.#logged.has(each)
      // The causes of an error that was added before have been added too.
      if (known) break
      chain.add(each)
      each = causeOf(each)
    }
    for (const link of chain) this.#logged.add(link)
    return known
  }
}

function causeOf(error: unknown): unknown {
  try {
    return error instanceof Error ? error.cause : null
  } catch {
    // Reading `cause` has thrown, because it is a getter that throws.
    return null
  }
}
