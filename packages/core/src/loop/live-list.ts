/**
 * The objects of one class that are still in use, for a part of the snapshot: the list does not keep them alive. They are in
 * the order in which they were added.
 */
export class LiveList<T extends object> {
  #refs: WeakRef<T>[] = []
  /** The list is cleaned when it has become this long. */
  #limit = 16
  readonly #isLive: (object: T) => boolean

  /** @param isLive whether an object is still of interest; it must only read */
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

  /** Those that are live. */
  list(): T[] {
    const live: T[] = []
    for (const each of this.#refs) {
      const object = each.deref()
      if (object !== undefined && this.#isLive(object)) live.push(object)
    }
    return live
  }
}
