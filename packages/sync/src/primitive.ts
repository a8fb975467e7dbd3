import type { Task } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'

/** The option that every primitive takes. */
export interface NameOption {
  /** The name in error messages, in the console and in the task tree. By default the class and a number: "Lock #3". */
  name?: string | undefined
}

/** Describes what a waiter waits for. */
export interface Awaited {
  readonly of: { readonly kind: string; label(): string; words(): string }
  /** The text that the task tree shows after the name of the primitive. */
  readonly state: string
  /** The text that `why()` of core, which explains what a task waits for, shows instead of `state`. */
  readonly note?: string | undefined
  /** The task that holds the primitive. */
  readonly next?: Task | null
}

/** The key under which the console looks for the method that shows an object. */
const inspected: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/** Counts the primitives of each class, for the numbers in their names. */
const made = new Map<string, number>()

/** The base class of all primitives. It has a name, and a state that the console and the task tree show. */
export abstract class Primitive {
  readonly #name: string | number

  /** @throws {TypeError} when `name` is not a string */
  constructor(name: string | undefined) {
    if (name === undefined) {
      const kind = this.constructor.name
      const number = (made.get(kind) ?? 0) + 1
      made.set(kind, number)
      this.#name = number
      return
    }
    if (typeof name !== 'string') {
      throw new TypeError(`the option name must be a string, got ${describe(name)}`)
    }
    this.#name = name
  }

  /** The option `name`, or else the class and the number: "Lock #3". */
  get name(): string {
    const name = this.#name
    return typeof name === 'number' ? `${this.constructor.name} #${name}` : name
  }

  /** Returns a frozen object with the state of the primitive, and how many callers wait. */
  abstract statistics(): object

  /** @internal returns the class and the name for the task tree: `Lock #3`, `Lock "db"` */
  label(): string {
    return typeof this.#name === 'number' ? this.name : `${this.constructor.name} "${this.#name}"`
  }

  /** @internal one word for each class: 'lock', 'queue', 'rate-limiter' */
  get kind(): string {
    return wordsOf(this.constructor.name).replaceAll(' ', '-')
  }

  /** @internal returns the class and the name for `why()` of core: "lock 'db'", "rate limiter #3" */
  words(): string {
    const name = this.#name
    return `${wordsOf(this.constructor.name)} ${typeof name === 'number' ? `#${name}` : `'${name}'`}`
  }

  /** @internal returns the text that the console shows: `<Lock #3 locked=true holders=1 waiters=2>` */
  [inspected](): string {
    const state = Object.entries(this.statistics()).map(([key, value]) => `${key}=${String(value)}`)
    return `<${this.label()} ${state.join(' ')}>`
  }
}

/** Turns a class name into words: `RateLimiter` into "rate limiter". */
function wordsOf(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, ' ').toLowerCase()
}

/** Returns `options`. @throws {TypeError} when they are given and not an object */
export function checkNamed<O extends NameOption>(
  takes: string,
  options: O | undefined,
): O | undefined {
  if (options === undefined) return options
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${takes}, got ${describe(options)}`)
  }
  return options
}
