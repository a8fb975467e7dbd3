import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { readProcStat } from './proc-stat.ts'

/** Node has names for the signals below this number. */
const FIRST_REAL_TIME_SIGNAL = 32
/** The bits of a `waitpid` status that hold the signal; they are 0 for a process that has exited. */
const SIGNAL_MASK = 0x7f

/**
 * Returns the return code in the form that Python uses: -N when signal N has ended the process.
 *
 * Node has no names for real-time signals (32 to 64), and reports a process that such a signal has ended like a process
 * that exited with 0. So `realTime` is the real-time signal that `RealTimeEnd` has found; null if it has found none.
 */
export function toReturncode(
  code: number | null,
  signal: NodeJS.Signals | null,
  realTime: number | null,
): number {
  if (signal !== null) return -constants.signals[signal]
  if (realTime !== null && (code ?? 0) === 0) return -realTime
  return code ?? 0
}

/**
 * Finds out which real-time signal ends a process. The process must be checked before Node removes it: in the turn in
 * which one of its pipes ends. A process that ends closes its files first, and Node reports the ends of all pipes
 * before the end of the process.
 */
export class RealTimeEnd {
  readonly #pid: number
  #isKnown = process.platform !== 'linux'
  /** The signal that ends the process; null when there is none or it is not known. */
  signal: number | null = null

  constructor(pid: number) {
    this.#pid = pid
  }

  /**
   * Called when a pipe has ended, because the process is ending or has closed that pipe. Reads the signal if the
   * process is ending.
   */
  onPipeEnd(): void {
    if (this.#isKnown) return
    const stat = readProcStat(this.#pid)
    if (stat === null || stat === 'unknown' || !stat.isEnding) return
    // The status is read only once, because each read costs the system more than 10 µs when it later removes the
    // process.
    this.#isKnown = true
    const signal = stat.status & SIGNAL_MASK
    if (signal >= FIRST_REAL_TIME_SIGNAL) this.signal = signal
  }
}

/**
 * Whether `signal` is a real-time signal that will end the process, because the process neither catches, ignores nor
 * blocks it.
 */
export function isFatalRealTimeSignal(pid: number, signal: NodeJS.Signals | number): boolean {
  if (typeof signal !== 'number' || signal < FIRST_REAL_TIME_SIGNAL) return false
  let status: string
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch {
    return false // Not Linux, or the process has just ended, or this program has no free file descriptor.
  }
  const bit = 1n << BigInt(signal - 1)
  return [...status.matchAll(/^Sig(?:Blk|Ign|Cgt):\s*([\da-f]+)$/gm)].every(
    ([, mask]) => (BigInt(`0x${mask}`) & bit) === 0n,
  )
}
