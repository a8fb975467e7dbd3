import type { ChildOptions, ChildSpec } from '@tasktree/actor'
import { checkDuration, checkOptions, describe } from '@tasktree/core/lowlevel'
import type { Link } from '../link/link.ts'
import { checkName, countable, defaultLease, token } from '../wire/names.ts'
import { leastLease } from './lease.ts'
import { leasedSpec } from './leased.ts'

export interface SingletonOptions extends ChildOptions {
  /**
   * Milliseconds after which another node takes over when this one has died or is cut off. All nodes must give the same.
   * @defaultValue 5000
   */
  lease?: number
}

/** @internal makes the child spec that `cluster.singleton` returns */
export function singletonSpec(
  link: Link,
  id: string,
  spec: ChildSpec,
  options: SingletonOptions,
  onChange: (isRunning: boolean) => void,
): ChildSpec {
  checkName('the id of a singleton', id)
  if (typeof (spec as ChildSpec | undefined)?.kind !== 'string') {
    throw new TypeError(
      `the singleton ${id} needs a child, made by child.actor, child.task, …; got ${describe(spec)}`,
    )
  }
  checkOptions(options)
  const { lease: given = defaultLease, ...supervision } = options
  const lease = checkLease(given)
  return leasedSpec(link, {
    id,
    lease: { key: `singleton.${token(id)}`, ttl: lease },
    agreement: { what: `the singleton ${id}`, settings: { lease } },
    children: () => [spec],
    onChange,
    supervision,
  })
}

/**
 * Checks the option `lease`, a time in milliseconds, and returns the time that the server can count.
 *
 * @throws {TypeError} when `lease` is not a number
 * @throws {RangeError} when `lease` is too short or infinite
 */
export function checkLease(lease: number): number {
  checkDuration('lease', lease)
  if (lease >= leastLease && lease !== Infinity) return countable(lease)
  throw new RangeError(
    `lease must be a number of at least ${leastLease} ms, got ${describe(lease)}`,
  )
}
