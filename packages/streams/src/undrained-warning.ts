/**
 * A program gets the warning when its transport has asked it to pause, and the program then writes more bytes than this
 * number times the high-water mark without a drain.
 */
const UNDRAINED = 16
/**
 * A program gets the warning when it has called `write` of a StreamWriter this many times after the end of the stream,
 * without a drain. A program that drains after each batch of writes gets no warning, because its next drain throws. A
 * protocol, which writes to the transport itself, cannot drain, so its first write after the end gives the warning.
 */
const DROPPED = 128

/**
 * Warns a program that writes to a transport and never drains. The program is warned once, and not for each write, so that
 * the warnings do not flood the log.
 */
export class UndrainedWarning {
  /** Whether the program writes through a StreamWriter, and so can drain. */
  hasWriter = false
  /** How many bytes were written since the last drain, although the transport had asked the program to pause. */
  #undrained = 0
  /** How many writes were dropped since the last drain. */
  #dropped = 0
  #given = false

  /** Called when the transport asks the program to pause writing. */
  paused(): void {
    this.#undrained = 0
  }

  /**
   * Called when `n` bytes were written although the transport has asked the program to pause. `high` is the high-water mark
   * of the transport, and `buffered` is how many bytes the transport has buffered now.
   */
  wroteWhilePaused(n: number, high: number, buffered: number): void {
    this.#undrained += n
    if (this.#undrained <= UNDRAINED * high) return
    this.#give(`${buffered} bytes are buffered for a peer that does not read: await drain()`)
  }

  /** Called when a write came after the end of the stream and was dropped. */
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
