import type { WaitDetails } from '@tasktree/core/lowlevel'

/**
 * A first-in, first-out line that a member can leave from any place in constant time.
 *
 * The members themselves hold the links of a doubly linked list. A `Set` would look simpler, but taking the first element
 * of a `Set` again and again costs quadratic time in V8, because deleted entries stay in its table until it is rebuilt.
 */

/** What a member of a line holds. */
export interface Link<W extends Link<W>> {
  /** The line that the member stands in, or stood in last. */
  line: Line<W> | null
  nextInLine: W | null
  /** The member itself, if it has left its line. */
  previousInLine: W | null
}

export class Line<W extends Link<W>> {
  #first: W | null = null
  #last: W | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  first(): W | null {
    return this.#first
  }

  push(member: W): void {
    member.line = this
    member.previousInLine = this.#last
    member.nextInLine = null
    if (this.#last === null) this.#first = member
    else this.#last.nextInLine = member
    this.#last = member
    this.#size++
  }

  /** Puts `substitute`, which stands in no line, in the place of `member`. Does nothing if `member` is not in this line. */
  replace(member: W, substitute: W): void {
    const { nextInLine, previousInLine } = member
    if (member.line !== this || previousInLine === member) return
    substitute.line = this
    substitute.nextInLine = nextInLine
    substitute.previousInLine = previousInLine
    if (previousInLine === null) this.#first = substitute
    else previousInLine.nextInLine = substitute
    if (nextInLine === null) this.#last = substitute
    else nextInLine.previousInLine = substitute
    member.nextInLine = null
    member.previousInLine = member
  }

  /** Does nothing if `member` is not in this line. */
  remove(member: W): void {
    const { nextInLine, previousInLine } = member
    if (member.line !== this || previousInLine === member) return
    if (previousInLine === null) this.#first = nextInLine
    else previousInLine.nextInLine = nextInLine
    if (nextInLine === null) this.#last = previousInLine
    else nextInLine.previousInLine = previousInLine
    member.nextInLine = null
    member.previousInLine = member
    this.#size--
  }

  /** Takes the first member out of the line. */
  shift(): W | null {
    const first = this.first()
    if (first !== null) this.remove(first)
    return first
  }

  /** What the members of this line wait for, as the task tree shows it. */
  describe(member: W): string {
    return member.constructor.name
  }

  /** What `why` says of a member of this line. */
  details(member: W): WaitDetails {
    return { kind: 'line', label: member.constructor.name }
  }
}
