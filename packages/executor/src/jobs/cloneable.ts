import { Serializer } from 'node:v8'
import type { Transferable } from 'node:worker_threads'
import { assertCarriable } from './carriable.ts'

/**
 * Checks whether `value` can be sent to a thread while the objects in `moved` move there. Moves nothing.
 *
 * @throws what the transport throws, or a TypeError when an object in `value` would arrive empty
 */
export function assertCloneable(value: unknown, moved: readonly Transferable[] = []): void {
  assertCarriable(value, 'thread', moved)
  if (moved.length === 0 || !hasSerializer) structuredClone(value)
  else new CheckingSerializer(moved).writeValue(value)
}

/** Bun lacks the serializer. There, a value with a port that moves counts as a value that cannot be cloned. */
const hasSerializer = !('bun' in process.versions)

/** Methods that the documentation of node:v8 describes for subclasses, but that are missing in its types. */
interface HostObjectSerializer extends Serializer {
  _writeHostObject(value: object): void
  _getSharedArrayBufferId(): number
}
const BaseSerializer = Serializer as unknown as new () => HostObjectSerializer

/** Walks through a value as structured clone does, and leaves out the moved objects, which `structuredClone` would refuse. */
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
