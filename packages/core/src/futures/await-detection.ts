/**
 * The source text of a promise's resolving function. It differs between engines, so it is read from the engine that
 * runs.
 */
const resolverSource: string = readResolverSource()

function readResolverSource(): string {
  return Function.prototype.toString.call(Promise.withResolvers().resolve)
}

/**
 * Whether a call of `then` looks like an `await`. `await future` calls `then` with the two resolving functions of a
 * native promise, which have no name. Most other callers pass one function, or functions with names. Only an `await`
 * means that the current task waits here.
 */
export function mayBeAwait(onFulfilled: unknown, onRejected: unknown): boolean {
  return (
    typeof onRejected === 'function' && typeof onFulfilled === 'function' && onFulfilled.name === ''
  )
}

/**
 * Whether `fn` is a resolving function of a native promise. The check costs more than the await itself, so it is made
 * only where a wrong guess of `mayBeAwait` would call user code too soon. A bound function prints the same source
 * text, but it has a name.
 */
export function isResolver(fn: unknown): boolean {
  return (
    typeof fn === 'function' &&
    fn.name === '' &&
    Function.prototype.toString.call(fn) === resolverSource
  )
}
