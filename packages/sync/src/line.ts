/** One place in a line. */
export interface Link<W extends Link<W>> {
  /** The line it stands in, null when in none. */
  line: Line<W> | null
  nextInLine: W | null
  previousInLine: W | null
}

/**
 * First in, first out. The members are the links, so that one of a million that leaves costs as little as
 * any other: a Set, from which the first is taken again and again, takes quadratic time.
 */
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

  /** `substitute`, which stands nowhere, takes the place of `member`. Does nothing when that does not stand here. */
  replace(member: W, substitute: W): void {
    if (member.line !== this) return
    const { nextInLine, previousInLine } = member
    substitute.line = this
    substitute.nextInLine = nextInLine
    substitute.previousInLine = previousInLine
    if (previousInLine === null) this.#first = substitute
    else previousInLine.nextInLine = substitute
    if (nextInLine === null) this.#last = substitute
    else nextInLine.previousInLine = substitute
    member.line = null
    member.nextInLine = null
    member.previousInLine = null
  }

  /** Does nothing when it does not stand here. */
  remove(member: W): void {
    if (member.line !== this) return
    const { nextInLine, previousInLine } = member
    if (previousInLine === null) this.#first = nextInLine
    else previousInLine.nextInLine = nextInLine
    if (nextInLine === null) this.#last = previousInLine
    else nextInLine.previousInLine = previousInLine
    member.line = null
    member.nextInLine = null
    member.previousInLine = null
    this.#size--
  }

  /** Takes the first out of it. */
  shift(): W | null {
    const first = this.#first
    if (first !== null) this.remove(first)
    return first
  }
}
