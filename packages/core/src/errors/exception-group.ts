import { describe, isIterable } from '../arguments.ts'
import { brand, hasBrand, ownBrand } from './brand.ts'

type Condition = ((error: unknown) => boolean) | (abstract new (...args: never[]) => unknown)

/**
 * How far `split` has come with one group: which errors it has checked, and the results so far. If a group contains a
 * group, `split` makes a second Level for the inner group, and later continues with the Level of the outer group.
 */
interface Level {
  readonly group: ExceptionGroup
  /** The index in `group.errors` of the error that `split` checks next. */
  next: number
  readonly matching: unknown[]
  readonly rest: unknown[]
}

/**
 * Several failures as one error; `taskGroup` throws it. The errors of a group may be groups themselves.
 *
 * Source: ExceptionGroup. Differs: it is an AggregateError, and may hold any thrown value.
 */
export class ExceptionGroup extends AggregateError {
  /**
   * @internal The bundler renames a class that refers to itself to `_ExceptionGroup`; this property keeps the name that
   * users see.
   */
  static override readonly name: string = 'ExceptionGroup'

  override readonly name: string = 'ExceptionGroup'
  readonly code: string = 'ERR_EXCEPTION_GROUP'

  /**
   * @throws {TypeError} when `message` is not a string or `errors` not an iterable
   * @throws {RangeError} when `errors` is empty
   */
  constructor(message: string, errors: Iterable<unknown>, options?: ErrorOptions) {
    if (typeof message !== 'string') {
      throw new TypeError(
        `the message of an ExceptionGroup must be a string, got ${typeof message}`,
      )
    }
    if (!isIterable(errors)) {
      throw new TypeError(`an ExceptionGroup takes an iterable of errors, got ${describe(errors)}`)
    }
    const list = [...errors]
    if (list.length === 0) {
      throw new RangeError('an ExceptionGroup needs at least one error, got an empty list')
    }
    super(list, `${message} (${list.length} ${list.length === 1 ? 'error' : 'errors'})`, options)
  }

  /**
   * Returns a group of the errors that `condition` accepts, nested as in this group. Returns null if no error is
   * accepted. A condition is an error class, or a function that returns true for the errors that it accepts. If the
   * condition accepts this group, or a group that is nested in it, this whole group is taken, and its errors are not
   * checked.
   */
  subgroup(condition: Condition): ExceptionGroup | null {
    return this.split(condition)[0]
  }

  /**
   * Returns two groups: one with the errors that `condition` accepts, and one with the other errors. A group without
   * errors is replaced by null. A condition is an error class, or a function that returns true for the errors that it
   * accepts.
   *
   * The method goes through nested groups in a loop and not by recursion, because deeply nested groups would overflow
   * the call stack.
   */
  split(condition: Condition): [ExceptionGroup | null, ExceptionGroup | null] {
    const accepts = asPredicate(condition)
    if (accepts(this)) return [this, null]
    const outermost: Level = { group: this, next: 0, matching: [], rest: [] }
    const levels = [outermost]
    for (;;) {
      const level = levels.at(-1) as Level
      const { group, matching, rest } = level
      if (level.next === group.errors.length) {
        const parts: [ExceptionGroup | null, ExceptionGroup | null] = [
          derive(group, matching),
          derive(group, rest),
        ]
        levels.pop()
        const around = levels.at(-1)
        if (around === undefined) return parts
        if (parts[0] !== null) around.matching.push(parts[0])
        if (parts[1] !== null) around.rest.push(parts[1])
        continue
      }
      const error: unknown = group.errors[level.next++]
      const isAccepted = accepts(error)
      if (isGroup(error) && !isAccepted) {
        levels.push({ group: error, next: 0, matching: [], rest: [] })
      } else (isAccepted ? matching : rest).push(error)
    }
  }

  static {
    brand(this.prototype, 'ExceptionGroup')
  }
}

/** Whether `error` is an ExceptionGroup, of this or of another copy of this package. */
export function isGroup(error: unknown): error is ExceptionGroup {
  return hasBrand(error, 'ExceptionGroup')
}

function derive(group: ExceptionGroup, errors: unknown[]): ExceptionGroup | null {
  if (errors.length === 0) return null
  if (errors.length === group.errors.length && errors.every((e, i) => e === group.errors[i]))
    return group
  const text = group.message.replace(/ \(\d+ errors?\)$/, '')
  const derived = new ExceptionGroup(
    text,
    errors,
    group.cause === undefined ? {} : { cause: group.cause },
  )
  if (group.stack !== undefined) derived.stack = group.stack
  return derived
}

/**
 * Returns a function that says whether an error meets `condition`. A condition that is the class Error or one of its
 * subclasses accepts the instances of this class. Any other function is called with the error.
 */
function asPredicate(condition: Condition): (error: unknown) => boolean {
  if (typeof condition !== 'function') {
    throw new TypeError(`expected a predicate or an error class, got ${typeof condition}`)
  }
  const prototype: unknown = condition.prototype
  const isErrorClass =
    (condition as unknown) === Error ||
    (typeof prototype === 'object' && prototype instanceof Error)
  if (isErrorClass) {
    const name = ownBrand(prototype as Error)
    return (error) =>
      isInstance(error, condition as unknown as typeof Error) ||
      (name !== null && hasBrand(error, name))
  }
  return condition as (error: unknown) => boolean
}

function isInstance(error: unknown, errorClass: typeof Error): boolean {
  try {
    return error instanceof errorClass
  } catch {
    // `error` is a Proxy that was revoked, or a Proxy whose trap throws.
    return false
  }
}
