/** A program that writes this many times the high-water mark without a drain gets the warning. */
const UNDRAINED = 16
/**
 * A program that writes this many times to a StreamWriter after the end without a drain gets the warning. Code that drains
 * after each batch of writes does not, because its next drain throws. A protocol cannot drain, so its first such write
 * gets the warning.
 */
const DROPPED = 128

/**
 * Warns a program that writes to a transport and never drains. It is warned once, and not for each write, so that the
 * warnings do not flood the log.
 */
export class UndrainedWarning {
  /** Whether the program writes through a StreamWriter, and so can drain. */
  hasWriter = false
  /** How many bytes were written while the protocol was paused, since the last drain. */
  #undrained = 0
  /** How many writes were dropped since the last drain. */
  #dropped = 0
  #given = false

  /** Called when the transport has paused its protocol. */
  paused(): void {
    this.#undrained = 0
  }

  /**
   * Called when `n` bytes were written although the protocol is paused. `high` is the high-water mark of the transport, and
   * `buffered` is how many bytes it has buffered now.
   */
  wroteWhilePaused(n: number, high: number, buffered: number): void {
    this.#undrained += n
    if (this.#undrained <= UNDRAINED * high) return
    this.#give(`${buffered} bytes are buffered for a peer that does not read: await drain()`)
  }

  /** Called when a write came after the end and was dropped. */
  dropped(): void {
    this.#dropped++
    if (this.hasWriter && this.#dropped !== DROPPED) return
    this.#give(
      'data was written to a closed stream and dropped: await drain() to learn that it closed',
    )
  }

  /** Called for each drain. */
  drains(): void {
    this.#undrained = 0
    this.#dropped = 0
  }

  #give(message: string): void {
    if (this.#given) return
    this.#given = true
    process.emitWarning(message, 'ResourceWarning')
  }
}
