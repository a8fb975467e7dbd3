export interface Operation {
  perform(): Promise<void>
  /** Called instead of `perform` when the supervisor ends before the operation was performed. */
  drop(): void
}

/** A queue of the operations that a supervisor will perform, first come first served. */
export class OperationQueue {
  #batch: Operation[] = []
  #next = 0
  #incoming: Operation[] = []

  push(operation: Operation): void {
    this.#incoming.push(operation)
  }

  shift(): Operation | null {
    if (this.#next === this.#batch.length) {
      if (this.#incoming.length === 0) return null
      this.#batch = this.#incoming
      this.#incoming = []
      this.#next = 0
    }
    return this.#batch[this.#next++] as Operation
  }

  dropAll(): void {
    for (let each = this.shift(); each !== null; each = this.shift()) each.drop()
  }
}
