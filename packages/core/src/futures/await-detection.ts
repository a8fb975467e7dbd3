/** What a promise's resolving function prints as; it differs between engines. */
const resolverSource: string = readResolverSource()

function readResolverSource(): string {
  return Function.prototype.toString.call(Promise.withResolvers().resolve)
}

/**
 * `await future` calls `then` with the two nameless built-in functions of a native promise; most others
 * pass one function, or named ones. Only the first means that the current task waits here.
 */
export function mayBeAwait(onFulfilled: unknown, onRejected: unknown): boolean {
  return (
    typeof onRejected === 'function' && typeof onFulfilled === 'function' && onFulfilled.name === ''
  )
}

/**
 * Costs more than the await itself, and so is asked only where a wrong guess would call user code too soon. A
 * bound function has the same source; it has a name.
 */
export function isResolver(fn: unknown): boolean {
  return (
    typeof fn === 'function' &&
    fn.name === '' &&
    Function.prototype.toString.call(fn) === resolverSource
  )
}
