import { Serializer } from 'node:v8'
import type { Transferable } from 'node:worker_threads'
import { assertCarriable } from './carriable.ts'

/**
 * Checks whether `value` can be sent to a thread while the objects in `moved` move there. The check itself moves
 * nothing.
 *
 * @throws when `value` cannot be cloned, when an object in `value` would arrive empty, or when reading `value` throws
 */
export function assertCloneable(value: unknown, moved: readonly Transferable[] = []): void {
  assertCarriable(value, 'thread', moved)
  if (moved.length === 0 || !hasSerializer) structuredClone(value)
  else new CheckingSerializer(moved).writeValue(value)
}

/**
 * Whether `Serializer` of node:v8 can be used for the check. Bun lacks it. So on Bun, a value that contains a port
 * that moves counts as a value that cannot be cloned.
 */
const hasSerializer = !('bun' in process.versions)

/**
 * Methods of Serializer that subclasses may override or call. The documentation of node:v8 describes these methods, but
 * its types do not declare them.
 */
interface HostObjectSerializer extends Serializer {
  _writeHostObject(value: object): void
  _getSharedArrayBufferId(): number
}
const BaseSerializer = Serializer as unknown as new () => HostObjectSerializer

/**
 * Walks through a value as structured clone does, but leaves out the objects that are moved, because `structuredClone`
 * would refuse them.
 */
class CheckingSerializer extends BaseSerializer {
  readonly #moved: ReadonlySet<unknown>

  constructor(moved: readonly Transferable[]) {
    super()
    this.#moved = new Set<unknown>(moved)
  }

  override _writeHostObject(value: object): void {
    if (!this.#moved.has(value)) structuredClone(value)
  }

  override _getSharedArrayBufferId(): number {
    return 0
  }
}
