/** What an object needs to be an entry of a LinkedList. It can be in one list at a time. */
export interface Linked<T> {
  previous: T | null
  next: T | null
  list: object | null
}

/**
 * A doubly linked list whose entries carry the links themselves. An entry leaves from any place in constant time, and
 * no object is allocated for an entry; an array or a Set would need one or the other.
 */
export class LinkedList<T extends Linked<T>> {
  first: T | null = null
  last: T | null = null

  push(entry: T): void {
    const { last } = this
    entry.list = this
    entry.previous = last
    if (last === null) this.first = entry
    else last.next = entry
    this.last = entry
  }

  unshift(entry: T): void {
    const { first } = this
    entry.list = this
    entry.next = first
    if (first === null) this.last = entry
    else first.previous = entry
    this.first = entry
  }

  /** Takes `entry` out. False when it is not in this list. */
  remove(entry: T): boolean {
    if (entry.list !== this) return false
    const { previous, next } = entry
    if (previous === null) this.first = next
    else previous.next = next
    if (next === null) this.last = previous
    else next.previous = previous
    entry.previous = null
    entry.next = null
    entry.list = null
    return true
  }
}
