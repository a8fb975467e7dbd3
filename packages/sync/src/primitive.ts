import type { Task } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'

/** The option that every primitive takes. */
export interface NameOption {
  /** How error messages, the console and the task tree call it; by default its class and its number: "Lock #3". */
  name?: string | undefined
}

/** What a waiter waits for. */
export interface Awaited {
  readonly of: { readonly kind: string; label(): string; words(): string }
  /** What the task tree shows behind the name. */
  readonly state: string
  /** What `why` says in its place. */
  readonly note?: string | undefined
  /** The task that holds what is waited for. */
  readonly next?: Task | null
}

/** The key under which the console looks for a method. */
const inspected: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/** How many primitives of each class were made: the source of their numbers. */
const made = new Map<string, number>()

/** What every primitive has: a name, and a state that the console and the task tree show. */
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

  /** A frozen object that says what is held, what is kept and how many wait. */
  abstract statistics(): object

  /** @internal the class and the name, as the task tree shows them: `Lock #3`, `Lock "db"` */
  label(): string {
    return typeof this.#name === 'number' ? this.name : `${this.constructor.name} "${this.#name}"`
  }

  /** @internal one word for each class: 'lock', 'queue', 'rate-limiter' */
  get kind(): string {
    return wordsOf(this.constructor.name).replaceAll(' ', '-')
  }

  /** @internal as `why` says it: "lock 'db'", "rate limiter #3" */
  words(): string {
    const name = this.#name
    return `${wordsOf(this.constructor.name)} ${typeof name === 'number' ? `#${name}` : `'${name}'`}`
  }

  /** @internal what the console shows: `<Lock #3 locked=true holders=1 waiters=2>` */
  [inspected](): string {
    const state = Object.entries(this.statistics()).map(([key, value]) => `${key}=${String(value)}`)
    return `<${this.label()} ${state.join(' ')}>`
  }
}

/** `RateLimiter`, as words. */
function wordsOf(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, ' ').toLowerCase()
}

/** Returns the options, which must be an object when they are given. @throws {TypeError} otherwise */
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
