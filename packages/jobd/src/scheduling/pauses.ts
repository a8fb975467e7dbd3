/** In the list that is written to the jobs' file, this name means every kind. */
export const everyKind = '*'

/** The paused kinds. Their jobs do not begin until the kind is resumed. */
export class Pauses {
  readonly #kinds = new Set<string>()

  /** Whether the kind is paused. */
  has(kind: string): boolean {
    return this.#kinds.size > 0 && (this.#kinds.has(everyKind) || this.#kinds.has(kind))
  }

  get hasAll(): boolean {
    return this.#kinds.has(everyKind)
  }

  /** Pauses a kind; null pauses every kind. */
  add(kind: string | null): void {
    this.#kinds.add(kind ?? everyKind)
  }

  /** Resumes a kind; null resumes every kind, also kinds that were paused one by one. */
  remove(kind: string | null): void {
    if (kind === null) this.#kinds.clear()
    else this.#kinds.delete(kind)
  }

  list(): string[] {
    return [...this.#kinds].toSorted()
  }

  /** Returns the text that is written to the jobs' file. */
  toString(): string {
    return JSON.stringify(this.list())
  }

  /** Reads a text that `toString` has made; null if no text was written yet. */
  parse(text: string | null): void {
    this.#kinds.clear()
    for (const kind of JSON.parse(text ?? '[]') as string[]) this.#kinds.add(kind)
  }
}
