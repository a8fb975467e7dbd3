/**
 * A list from which any entry can be removed in constant time.
 *
 * The entries themselves hold the links, so the list allocates nothing for an entry. A `Set` would look simpler. But
 * taking the first element of a `Set` again and again costs quadratic time in V8, because deleted elements stay in the
 * table of the `Set` until the table is rebuilt.
 */

/** The fields that an object must have to be an entry of a `LinkedList`. An entry can be in at most one list. */
export interface Linked<E extends Linked<E>> {
  /** The list that contains the entry. If the entry was removed, the list that contained it last. */
  list: LinkedList<E> | null
  nextInList: E | null
  /**
   * The entry before this entry; null if this entry is the first. If this entry was removed from its list, the field
   * refers to this entry itself.
   */
  previousInList: E | null
}

export class LinkedList<E extends Linked<E>> {
  #first: E | null = null
  #last: E | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  first(): E | null {
    return this.#first
  }

  has(entry: E): boolean {
    return entry.list === this && entry.previousInList !== entry
  }

  push(entry: E): void {
    entry.list = this
    entry.previousInList = this.#last
    entry.nextInList = null
    if (this.#last === null) this.#first = entry
    else this.#last.nextInList = entry
    this.#last = entry
    this.#size++
  }

  /** Puts `entry` before all others. */
  unshift(entry: E): void {
    entry.list = this
    entry.previousInList = null
    entry.nextInList = this.#first
    if (this.#first === null) this.#last = entry
    else this.#first.previousInList = entry
    this.#first = entry
    this.#size++
  }

  /** Puts `substitute`, which is in no list, in the place of `entry`. Does nothing if `entry` is not in this list. */
  replace(entry: E, substitute: E): void {
    const { nextInList, previousInList } = entry
    if (entry.list !== this || previousInList === entry) return
    substitute.list = this
    substitute.nextInList = nextInList
    substitute.previousInList = previousInList
    if (previousInList === null) this.#first = substitute
    else previousInList.nextInList = substitute
    if (nextInList === null) this.#last = substitute
    else nextInList.previousInList = substitute
    entry.nextInList = null
    entry.previousInList = entry
  }

  /** Removes `entry` from this list. Returns false, and does nothing, if `entry` is not in this list. */
  remove(entry: E): boolean {
    const { nextInList, previousInList } = entry
    if (entry.list !== this || previousInList === entry) return false
    if (previousInList === null) this.#first = nextInList
    else previousInList.nextInList = nextInList
    if (nextInList === null) this.#last = previousInList
    else nextInList.previousInList = previousInList
    entry.nextInList = null
    entry.previousInList = entry
    this.#size--
    return true
  }

  /** Removes the first entry of this list and returns it; returns null if the list is empty. */
  shift(): E | null {
    const first = this.first()
    if (first !== null) this.remove(first)
    return first
  }
}
