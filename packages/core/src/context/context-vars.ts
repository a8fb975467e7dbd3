import { checkOptions, describe } from '../arguments.ts'
import { currentEnvironment, runInEnvironment, type Environment } from './async-context.ts'
import { getEventLoop } from './current.ts'
import { LookupError, RuntimeError } from '../errors/errors.ts'

type Values = Map<ContextVar<unknown>, unknown>

/**
 * The values of context variables, for the code that runs in this context. By default, every task has its own context,
 * which is a copy of the context of its creator. If code of the task calls `set`, all code that the task awaits sees
 * the new value, and the creator of the task does not.
 *
 * @example
 *     const user = new ContextVar<string>('user')
 *     const context = copyContext()
 *     context.run(() => user.set('Ada'))
 *     console.log(context.get(user), user.get('nobody')) // Ada nobody
 *
 * Source: contextvars.Context
 */
export class Context {
  /**
   * @internal The bundler renames a class that refers to itself to `_Context`; this property keeps the name that users
   * see.
   */
  static readonly name: string = 'Context'

  /**
   * The variables and their values. Copies of a context share one map until one of them sets a variable. `#owned` is
   * true if this context has a map of its own.
   */
  #values: Values | null = null
  #owned = false
  #entered = false

  /**
   * Runs `fn` in this context and returns the result of `fn`. An async `fn` keeps this context after its awaits.
   *
   * @throws {TypeError} when `fn` is not a function
   * @throws {RuntimeError} when called from inside a `run` of this same context
   */
  run<T>(fn: () => T): T {
    if (typeof fn !== 'function')
      throw new TypeError(`Context.run takes a function, got ${describe(fn)}`)
    if (this.#entered) throw new RuntimeError('cannot enter a context that is already entered')
    const outer = currentEnvironment()
    const environment: Environment = {
      frame: outer?.frame ?? null,
      loop: outer?.loop ?? getEventLoop(),
      contextVars: () => this,
    }
    this.#entered = true
    try {
      return runInEnvironment(environment, fn)
    } finally {
      this.#entered = false
    }
  }

  /**
   * Returns the value of `variable` in this context; undefined if the variable was not set in this context, even if the
   * variable has a default.
   */
  get<T>(variable: ContextVar<T>): T | undefined {
    return this.#values?.get(variable) as T | undefined
  }

  has(variable: ContextVar<unknown>): boolean {
    return this.#values?.has(variable) ?? false
  }

  keys(): IterableIterator<ContextVar<unknown>> {
    return (this.#values ?? new Map<ContextVar<unknown>, unknown>()).keys()
  }

  /** @internal */
  copy(): Context {
    const copy = new Context()
    copy.#values = this.#values
    this.#owned = false
    return copy
  }

  /** @internal */
  isEmpty(): boolean {
    return this.#values === null || this.#values.size === 0
  }

  /** @internal */
  assign(variable: ContextVar<unknown>, value: unknown): void {
    this.#own().set(variable, value)
  }

  /** @internal */
  remove(variable: ContextVar<unknown>): void {
    this.#own().delete(variable)
  }

  #own(): Values {
    if (this.#values === null || !this.#owned) this.#values = new Map(this.#values)
    this.#owned = true
    return this.#values
  }
}

const root = new Context()

/** Returns the context of code that runs outside of every task. */
export const rootContext = (): Context => root

/** @internal the Context (the values of the context variables) of the running code, and not a copy of that Context */
function currentContext(): Context {
  return currentEnvironment()?.contextVars() ?? root
}

/**
 * Returns a copy of the current context. The copy does not see later changes of the original, and the original does
 * not see changes of the copy. Source: contextvars.copy_context
 *
 * @example
 *     const user = new ContextVar<string>('user', { default: 'nobody' })
 *     const context = copyContext()
 *     user.set('Ada')
 *     console.log(user.get(), context.run(() => user.get())) // Ada nobody
 */
export function copyContext(): Context {
  return currentContext().copy()
}

/**
 * Returns the option `context`, or a copy of the current context if the option was not given. @throws {TypeError} when
 * the option is not a Context
 */
export function contextOf(options: { context?: Context } | undefined): Context {
  if (options === undefined) return copyContext()
  checkOptions(options)
  const { context } = options
  if (context === undefined) return copyContext()
  if (context instanceof Context) return context
  throw new TypeError(`the option context must be a Context, got ${describe(context)}`)
}

const unset: unique symbol = Symbol('unset')

/**
 * The object that `ContextVar.set` returns. Pass the token to `ContextVar.reset` to restore the value from before that
 * `set`. Source: contextvars.Token
 *
 * @example
 *     const user = new ContextVar<string>('user', { default: 'nobody' })
 *     const token = user.set('Ada')
 *     console.log(user.get()) // Ada
 *     user.reset(token)
 *     console.log(user.get()) // nobody
 */
export class Token<T> {
  readonly variable: ContextVar<T>
  /** @internal */
  readonly context: Context
  /** @internal */
  readonly before: T | typeof unset
  /** @internal */
  used = false

  /** @internal */
  constructor(variable: ContextVar<T>, context: Context, before: T | typeof unset) {
    this.variable = variable
    this.context = context
    this.before = before
  }

  /** The value of the variable before the `set` that made this token; undefined if the variable had no value. */
  get oldValue(): T | undefined {
    return this.before === unset ? undefined : this.before
  }
}

/**
 * A variable that can have a different value in each task.
 *
 * @example
 *     const requestId = new ContextVar<number>('requestId')
 *     const answer = async () => {
 *       await sleep(1)
 *       return requestId.get() // no parameter was passed
 *     }
 *     requestId.set(7)
 *     console.log(await createTask(answer)) // 7
 *
 * Source: contextvars.ContextVar
 */
export class ContextVar<T> {
  readonly name: string
  readonly #default: T | typeof unset

  /** @throws {TypeError} when `name` is not a string, or `options` not an object */
  constructor(name: string, options?: { default: T }) {
    if (typeof name !== 'string') {
      throw new TypeError(`the name of a context variable must be a string, got ${typeof name}`)
    }
    checkOptions(options)
    this.name = name
    this.#default = options !== undefined && 'default' in options ? options.default : unset
  }

  /**
   * Returns the value of this variable in the current context. If the variable has no value there, returns `fallback`.
   * If no fallback was given, returns the default of the variable.
   *
   * @throws {LookupError} when the variable has no value, and there is neither a fallback nor a default
   */
  get(...fallback: [] | [T]): T
  get<F>(fallback: F): T | F
  get(...fallback: unknown[]): unknown {
    const context = currentContext()
    if (context.has(this)) return context.get(this)
    if (fallback.length > 0) return fallback[0]
    if (this.#default !== unset) return this.#default
    throw new LookupError(`context variable "${this.name}" has no value here and no default`)
  }

  set(value: T): Token<T> {
    const context = currentContext()
    const had = context.has(this)
    const token = new Token<T>(this, context, had ? (context.get(this) as T) : unset)
    context.assign(this, value)
    return token
  }

  /**
   * Restores the value that the variable had before the `set` that returned `token`.
   *
   * @throws {TypeError} when `token` is not a Token
   * @throws {RuntimeError} when `reset` was called with this token before
   * @throws {RangeError} when the token belongs to another variable, or was made in another context
   */
  reset(token: Token<T>): void {
    if (!(token instanceof Token)) {
      throw new TypeError(`reset takes the token that set() returned, got ${describe(token)}`)
    }
    if (token.variable !== this) {
      throw new RangeError(
        `the token is of context variable "${token.variable.name}", not "${this.name}"`,
      )
    }
    if (token.used) throw new RuntimeError(`the token of "${this.name}" has already been used once`)
    if (token.context !== currentContext()) {
      throw new RangeError(`the token of "${this.name}" was made in a different context`)
    }
    token.used = true
    if (token.before === unset) token.context.remove(this)
    else token.context.assign(this, token.before)
  }
}
