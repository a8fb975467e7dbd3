/**
 * Counts the bytes that a sink has not accepted yet. A sink is the destination of the bytes, such as a WritableStream. This
 * class is used for sinks that do not count the bytes themselves.
 */
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

  /** Calls `callback` when the sink has accepted all bytes. Must be called only while `count` is above 0. */
  whenAccepted(callback: () => void): void {
    this.#callbacks.push(callback)
  }
}
