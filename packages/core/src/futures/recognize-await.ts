/**
 * The text that `toString` returns for the `resolve` and `reject` functions of a native promise. `isResolver` compares
 * the text of another function with this text, to recognize a real `await`. The text differs between JavaScript
 * engines, so it is read when this module is loaded.
 */
const resolverSource: string = readResolverSource()

function readResolverSource(): string {
  return Function.prototype.toString.call(Promise.withResolvers().resolve)
}

/**
 * Whether a call of `then` with these two arguments looks like an `await`. `await future` calls `then` with the two
 * resolving functions of a native promise, which have no name. Most other callers pass one function, or functions with
 * names. Only the name of the first function is checked. If the result is true, the current task counts as waiting for
 * the future.
 */
export function mayBeAwait(onFulfilled: unknown, onRejected: unknown): boolean {
  return (
    typeof onRejected === 'function' && typeof onFulfilled === 'function' && onFulfilled.name === ''
  )
}

/**
 * Whether `fn` is the `resolve` or `reject` function of a native promise, as a real `await` passes them to `then`. This
 * check takes about 50 ns, a fifth of the time of a wait. So `then` of a pending future makes only the faster check of
 * `mayBeAwait`, which may be wrong. `isResolver` is called only where the exact answer is needed. The name is checked
 * too, because a bound function has the same source text.
 */
export function isResolver(fn: unknown): boolean {
  return (
    typeof fn === 'function' &&
    fn.name === '' &&
    Function.prototype.toString.call(fn) === resolverSource
  )
}
