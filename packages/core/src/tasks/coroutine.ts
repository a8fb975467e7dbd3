import { describe, isThenable } from '../arguments.ts'
import type { Future } from '../futures/future.ts'
import { RuntimeError } from '../errors/errors.ts'

/** The type of a generator coroutine: it yields Futures and returns a T. */
// oxlint-disable-next-line typescript/no-explicit-any -- the value of a `yield` depends on the future that was yielded
export type CoroutineGenerator<T> = Generator<Future<unknown>, T>

/** A function that can be called as a coroutine: an async function, or a generator function. */
export type CoroutineFunction<A extends unknown[], T> = (
  ...args: A
) => PromiseLike<T> | CoroutineGenerator<T>

/**
 * The type of everything that can be awaited: a Future or Task, a Coroutine, a promise, or a function without
 * arguments. Most functions that take an Awaitable start such a function as a new task.
 */
export type Awaitable<T> = Future<T> | Coroutine<T> | PromiseLike<T> | CoroutineFunction<[], T>

const neverAwaited = new FinalizationRegistry<string>((name) => {
  process.emitWarning(`coroutine '${name}' was never awaited`, 'RuntimeWarning')
})

/**
 * A function call that has not begun. A function that `coroutine` has made returns such an object. The call runs once:
 * `await` or `yield*` runs it in the current task; `createTask`, `gather` and similar functions run it in a new task. A
 * Coroutine that is garbage-collected without having run is reported as a RuntimeWarning.
 *
 * @example
 *     const add = coroutine(async (a: number, b: number) => a + b)
 *     const sum = add(1, 2) // nothing runs yet
 *     console.log(sum instanceof Coroutine, await sum) // true 3
 *
 * Source: a coroutine object
 */
export class Coroutine<T> implements PromiseLike<T> {
  readonly name: string
  #begin: (() => PromiseLike<T> | CoroutineGenerator<T>) | null

  /** @internal */
  constructor(name: string, begin: () => PromiseLike<T> | CoroutineGenerator<T>) {
    this.name = name
    this.#begin = begin
    neverAwaited.register(this, name, this)
  }

  /** @internal runs the body; throws RuntimeError on a second call */
  begin(): PromiseLike<T> | CoroutineGenerator<T> {
    const begin = this.#begin
    if (begin === null) {
      throw new RuntimeError(`cannot reuse already awaited coroutine '${this.name}'`)
    }
    this.close()
    return begin()
  }

  /** Gives the call up: it will never run, and no warning about it is printed. Does nothing if the call has begun. */
  close(): void {
    this.#begin = null
    neverAwaited.unregister(this)
  }

  // oxlint-disable-next-line unicorn/no-thenable -- an `await` calls this method, which begins the call
  then<R = T, E = never>(
    onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return runInline<T>(() => this.begin()).then(onFulfilled, onRejected)
  }

  *[Symbol.iterator](): CoroutineGenerator<T> {
    const result = this.begin()
    if (isGenerator(result)) return yield* result
    // The code that runs this generator awaits each value that is yielded, so it awaits `result` too. The call runs in
    // the current task, so a cancel of the task reaches the futures that the call waits on.
    return (yield result as never) as T
  }
}

/** Awaits anything that can be awaited, in the current task and not in a new one. */
export async function runInline<T>(awaitable: Awaitable<T>): Promise<T> {
  const result = typeof awaitable === 'function' ? awaitable() : awaitable
  return isGenerator<T>(result) ? drive(result) : result
}

/**
 * Runs a generator coroutine inside an async function: awaits each value that the generator yields, in the current
 * task. (If a generator is itself the body of a task, a `GeneratorDriver` runs it instead.)
 */
async function drive<T>(generator: CoroutineGenerator<T>): Promise<T> {
  let step = generator.next()
  while (step.done !== true) {
    let value: unknown
    try {
      value = await toYielded(step.value)
    } catch (error) {
      step = generator.throw(error)
      continue
    }
    step = generator.next(value)
  }
  return step.value
}

/**
 * Returns `yielded`, the value that a generator coroutine has yielded. @throws {RuntimeError} when `yielded` cannot be
 * awaited
 */
export function toYielded(yielded: unknown): PromiseLike<unknown> {
  if (isThenable(yielded)) return yielded
  throw new RuntimeError(
    `a generator coroutine yielded ${describe(yielded)}: use yield* with a Future, Task, Coroutine or generator`,
  )
}

export function isGenerator<T>(x: unknown): x is CoroutineGenerator<T> {
  return (
    typeof x === 'object' &&
    x !== null &&
    'next' in x &&
    typeof x.next === 'function' &&
    'throw' in x &&
    typeof x.throw === 'function' &&
    Symbol.iterator in x
  )
}

const claimed = new WeakSet<object>()

/**
 * Notes that a task runs `generator`, which can run only once. @throws {RuntimeError} when a task runs `generator`
 * already, or has run it
 */
export function claimGenerator(generator: object): void {
  if (claimed.has(generator)) throw new RuntimeError('cannot reuse a generator that a task has run')
  claimed.add(generator)
}

const coroutineFunctions = new WeakSet<object>()

/**
 * Wraps an async or generator function: a call of the returned function makes a Coroutine, and runs nothing yet.
 *
 * @throws {TypeError} when `fn` is not a function
 *
 * @example
 *     const double = coroutine(function* (n: number) {
 *       yield* sleep(1)
 *       return n * 2
 *     })
 *     console.log(await createTask(double(21))) // 42
 *
 * Source: `async def`, asyncio.coroutine
 */
export function coroutine<A extends unknown[], T>(
  fn: CoroutineFunction<A, T>,
): (...args: A) => Coroutine<T> {
  if (typeof fn !== 'function') {
    throw new TypeError(`coroutine() takes an async or generator function, got ${describe(fn)}`)
  }
  const name = fn.name === '' ? 'anonymous' : fn.name
  const wrapped = (...args: A): Coroutine<T> => new Coroutine(name, () => fn(...args))
  Object.defineProperty(wrapped, 'name', { value: fn.name })
  coroutineFunctions.add(wrapped)
  return wrapped
}

/**
 * Whether `x` is a Coroutine or a generator object: a call that a task can run.
 *
 * @example
 *     const main = coroutine(async () => 'done')
 *     const call = main()
 *     console.log(isCoroutine(call), isCoroutine(main)) // true false
 *     await call
 *
 * Source: asyncio.iscoroutine
 */
export function isCoroutine(x: unknown): x is Coroutine<unknown> | CoroutineGenerator<unknown> {
  return x instanceof Coroutine || isGenerator(x)
}

const asyncFunction = Object.getPrototypeOf(async () => {}) as object
const generatorFunction = Object.getPrototypeOf(function* () {}) as object

/**
 * Whether `fn` is an async function. The promise that an async function returns stands for work that the call itself
 * has begun. The promise that another function returns may stand for work that was begun before the call.
 */
export function isAsyncFunction(fn: (...args: never[]) => unknown): boolean {
  return Object.getPrototypeOf(fn) === asyncFunction
}

/**
 * Whether `x` is an async function, a generator function, or a function made by `coroutine`. Source:
 * inspect.iscoroutinefunction
 *
 * @example
 *     const plain = () => 1
 *     console.log(isCoroutineFunction(async () => 1), isCoroutineFunction(plain)) // true false
 */
export function isCoroutineFunction(x: unknown): x is CoroutineFunction<unknown[], unknown> {
  if (typeof x !== 'function') return false
  const prototype: unknown = Object.getPrototypeOf(x)
  return prototype === asyncFunction || prototype === generatorFunction || coroutineFunctions.has(x)
}
