/**
 * The stored states of entities. Each write is a compare-and-set on the revision that was read before, so of two owners that
 * both read revision 7, one writes and the other one learns that it is not the owner any more. This needs no clocks.
 */
import type { Bucket, Bus } from '../bus/bus.ts'
import { PayloadTooLarge } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { stateKey } from '../wire/names.ts'
import { mostIdBytes, noIds, type RecentIds } from './recent-ids.ts'

export interface StoredState {
  /** 0 when the entity has no state yet. */
  readonly revision: number
  /** The sequence of the last message that the state has in it; those up to it are not handled again. */
  readonly sequence: number
  /** When the server has stored that message, in milliseconds of the Unix time. */
  readonly at: number
  /** The encoded state; null when it was never saved, as after a first message that crashed. */
  readonly data: Uint8Array | null
  readonly recent: RecentIds
}

/** The bytes of an entry before the ids: sequence, epoch, time, whether there is data, and the length of the ids. */
const headLength = 27

/** Bytes of an entry that are kept free, so that a state which was stored once can be stored with more ids. */
const reserved = headLength + mostIdBytes + 256

const none: StoredState = { revision: 0, sequence: 0, at: 0, data: null, recent: noIds }

export class StateStore {
  readonly #link: Link
  readonly #type: string

  constructor(link: Link, type: string) {
    this.#link = link
    this.#type = type
  }

  async load(key: string): Promise<StoredState> {
    const entry = await this.#link.insist((bus) => this.#open(bus).get(stateKey(this.#type, key)))
    if (entry === null) return none
    const { value, revision } = entry
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
    const dataAt = headLength + view.getUint16(25)
    return {
      revision,
      sequence: view.getFloat64(0),
      at: view.getFloat64(16),
      data: view.getUint8(24) === 0 ? null : value.subarray(dataAt),
      recent: value.slice(headLength, dataAt),
    }
  }

  /**
   * Writes the state that follows `before`. `epoch` is the term of the writer's lease. Returns null when another owner has
   * written since `before` was read.
   *
   * @throws {PayloadTooLarge} when the state is larger than the server accepts
   */
  async save(
    key: string,
    before: StoredState,
    next: Omit<StoredState, 'revision'>,
    epoch: number,
  ): Promise<StoredState | null> {
    const value = encode(next, epoch)
    const name = stateKey(this.#type, key)
    const size = next.data?.length ?? 0
    const written = await this.#link.insist((bus) => {
      const limit = bus.maxPayload - reserved
      if (size > limit) throw new PayloadTooLarge(`the state of ${this.#type}/${key}`, size, limit)
      const bucket = this.#open(bus)
      return before.revision === 0
        ? bucket.create(name, value)
        : bucket.update(name, value, before.revision)
    })
    const revision = written ?? (await this.#findOwn(name, value))
    return revision === null ? null : { ...next, revision }
  }

  /** An attempt may have been stored although its answer was lost. Then the entry has this value, which names its writer. */
  async #findOwn(name: string, value: Uint8Array): Promise<number | null> {
    const entry = await this.#link.insist((bus) => this.#open(bus).get(name))
    return entry !== null && Buffer.compare(entry.value, value) === 0 ? entry.revision : null
  }

  #open(bus: Bus): Bucket {
    return this.#link.bucket(bus, this.#link.names.states, Infinity)
  }
}

function encode(state: Omit<StoredState, 'revision'>, epoch: number): Uint8Array {
  const { sequence, at, data, recent } = state
  const bytes = new Uint8Array(headLength + recent.length + (data?.length ?? 0))
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, sequence)
  view.setFloat64(8, epoch)
  view.setFloat64(16, at)
  view.setUint8(24, data === null ? 0 : 1)
  view.setUint16(25, recent.length)
  bytes.set(recent, headLength)
  if (data !== null) bytes.set(data, headLength + recent.length)
  return bytes
}
