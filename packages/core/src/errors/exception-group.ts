import { describe, isIterable } from '../arguments.ts'
import { brand, hasBrand, ownBrand } from './brand.ts'

type Condition = ((error: unknown) => boolean) | (abstract new (...args: never[]) => unknown)

/**
 * A group whose errors `split` is looking at. A nested group has a level of its own, inside the level of the group
 * around it.
 */
interface Level {
  readonly group: ExceptionGroup
  /** The index of the error of `group` that `split` looks at next. */
  next: number
  readonly matching: unknown[]
  readonly rest: unknown[]
}

/**
 * Several failures as one error. `taskGroup` throws such an error. A group may contain groups.
 *
 * Source: ExceptionGroup. Differs: it is an AggregateError, and may hold any thrown value.
 */
export class ExceptionGroup extends AggregateError {
  /**
   * @internal The bundler renames a class that refers to itself to `_ExceptionGroup`; this keeps the name that users
   * see.
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
   * Returns a group of the errors that `condition` accepts, nested as in this group; null if it accepts none. A
   * condition is a predicate or an error class. If it accepts a group as a whole, the errors of that group are not
   * looked at.
   */
  subgroup(condition: Condition): ExceptionGroup | null {
    return this.split(condition)[0]
  }

  /**
   * Returns two groups: the errors that `condition` accepts, and the others. A part without errors is null.
   * `condition` is as for `subgroup`.
   *
   * The method goes through nested groups in a loop and not by recursion, because groups may be nested deeper than the
   * stack is.
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

/** Whether `error` is an ExceptionGroup, made by this copy of the package or by another one. */
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
 * Turns a condition into a predicate. A class and a predicate are both functions: a function is taken for an error
 * class if it is Error or its prototype is an instance of Error.
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
      error instanceof (condition as unknown as typeof Error) ||
      (name !== null && hasBrand(error, name))
  }
  return condition as (error: unknown) => boolean
}
