/** Stands for every kind in the list that is written to the file. */
export const everyKind = '*'

/** The kinds of which nothing is begun until they are resumed. */
export class Pauses {
  readonly #kinds = new Set<string>()

  /** Whether jobs of that kind are not begun. */
  has(kind: string): boolean {
    return this.#kinds.size > 0 && (this.#kinds.has(everyKind) || this.#kinds.has(kind))
  }

  get hasAll(): boolean {
    return this.#kinds.has(everyKind)
  }

  /** Null: every kind. */
  add(kind: string | null): void {
    this.#kinds.add(kind ?? everyKind)
  }

  /** Null: every kind, including kinds that were paused one by one. */
  remove(kind: string | null): void {
    if (kind === null) this.#kinds.clear()
    else this.#kinds.delete(kind)
  }

  list(): string[] {
    return [...this.#kinds].toSorted()
  }

  /** As it is written to the file. */
  toString(): string {
    return JSON.stringify(this.list())
  }

  /** Takes what `toString` wrote; null: nothing was written yet. */
  parse(text: string | null): void {
    this.#kinds.clear()
    for (const kind of JSON.parse(text ?? '[]') as string[]) this.#kinds.add(kind)
  }
}
