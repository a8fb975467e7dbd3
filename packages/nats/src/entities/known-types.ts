import { isCancelled } from '@tasktree/core'
import { ClusterClosed } from '../errors.ts'
import { readAgreement } from '../leases/agreement.ts'
import type { Link } from '../link/link.ts'
import { token } from '../wire/names.ts'
import { type EntityTerms, termsKey } from './entity-type.ts'

/**
 * The terms of a type, which are the settings that all nodes agree on, or the error of reading them. `terms` is null if no node
 * has ever hosted the type.
 */
type Found = { readonly terms: EntityTerms | null } | { readonly error: unknown }
type Listener = (found: Found) => void

/** Reads and keeps the terms of the types to which this node sends. A sender needs them to find the shard of a key. */
export class KnownTypes {
  readonly #link: Link
  readonly #known = new Map<string, Found>()
  readonly #waiting = new Map<string, Listener[]>()

  constructor(link: Link) {
    this.#link = link
  }

  /** Calls `listener` with the terms: at once if they are known, otherwise later, in the order of the calls. */
  find(type: string, listener: Listener): void {
    const waiting = this.#waiting.get(type)
    const known = this.#known.get(type)
    if (waiting !== undefined) waiting.push(listener)
    else if (known !== undefined) listener(known)
    else {
      this.#waiting.set(type, [listener])
      this.#link.start(`read the settings of ${type}`, () => this.#read(type))
    }
  }

  async #read(type: string): Promise<void> {
    let found: Found = { error: new ClusterClosed() }
    try {
      const terms = await readTerms(this.#link, type)
      found = { terms }
      if (terms !== null) this.#known.set(type, found)
    } catch (error) {
      // The end of the cluster cancels this task. The senders are not cancelled: they get the ClusterClosed in `found`.
      if (isCancelled(error)) throw error
      found = { error }
    } finally {
      const listeners = this.#waiting.get(type) ?? []
      this.#waiting.delete(type)
      for (const listener of listeners) listener(found)
    }
  }
}

/** Returns what the cluster has agreed on for a type; null when no node has ever hosted the type. */
export async function readTerms(link: Link, type: string): Promise<EntityTerms | null> {
  return (await readAgreement(link, termsKey(token(type)))) as EntityTerms | null
}
