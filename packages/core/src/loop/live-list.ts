/**
 * A list of the objects of one class that are still in use (`isLive` decides this), in the order in which they were
 * added. Snapshots read such lists, for example the list of all loops. The list holds weak references, so it does not
 * keep the objects in memory.
 */
export class LiveList<T extends object> {
  #refs: WeakRef<T>[] = []
  /** When the list has this many entries, `add` removes the entries of the objects that are not in use any more. */
  #limit = 16
  readonly #isLive: (object: T) => boolean

  /** @param isLive returns whether an object is still in use; it must not have side effects */
  constructor(isLive: (object: T) => boolean) {
    this.#isLive = isLive
  }

  add(object: T): void {
    if (this.#refs.length >= this.#limit) {
      this.#refs = this.#refs.filter((each) => this.#isLiveRef(each))
      this.#limit = Math.max(16, 2 * this.#refs.length)
    }
    this.#refs.push(new WeakRef(object))
  }

  #isLiveRef(ref: WeakRef<T>): boolean {
    const object = ref.deref()
    return object !== undefined && this.#isLive(object)
  }

  /** Returns the objects that are still in use, the oldest first. */
  list(): T[] {
    const live: T[] = []
    for (const each of this.#refs) {
      const object = each.deref()
      if (object !== undefined && this.#isLive(object)) live.push(object)
    }
    return live
  }
}
