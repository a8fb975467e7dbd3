/** Counts the bytes that a sink has not accepted yet, for a sink that does not count them itself. */
export class UnsentBytes {
  #count = 0
  #callbacks: (() => void)[] = []

  get count(): number {
    return this.#count
  }

  add(n: number): void {
    this.#count += n
  }

  /** Called when the sink has accepted `n` bytes. */
  remove(n: number): void {
    this.#count -= n
    if (this.#count > 0) return
    for (const callback of this.#callbacks.splice(0)) callback()
  }

  /** Calls `callback` when the sink has accepted all bytes. There must be bytes that it has not accepted yet. */
  whenAccepted(callback: () => void): void {
    this.#callbacks.push(callback)
  }
}
