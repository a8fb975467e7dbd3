import { describe } from '@tasktree/core/lowlevel'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { readProcStat } from './proc-stat.ts'

/** Node has names for the signals below this number. */
const FIRST_REAL_TIME_SIGNAL = 32
const LAST_SIGNAL = 64
/** Of what `waitpid` says: the signal, or 0 for a process that has exited. */
const SIGNAL_MASK = 0x7f

/**
 * @throws {TypeError} when `signal` is neither the name of a signal nor a number
 * @throws {RangeError} when there is no signal of that number
 */
export function checkSendable(signal: unknown): asserts signal is NodeJS.Signals | number {
  if (typeof signal === 'number' && !Number.isNaN(signal)) {
    if (Number.isInteger(signal) && signal >= 0 && signal <= LAST_SIGNAL) return
    throw new RangeError(
      `the number of a signal must be a whole number from 0 to ${LAST_SIGNAL}, got ${signal}`,
    )
  }
  if (typeof signal === 'string' && Object.hasOwn(constants.signals, signal)) return
  throw new TypeError(
    `expected the name or the number of a signal, as 'SIGTERM' or 15, got ${describe(signal)}`,
  )
}

/**
 * The return code as Python has it: -N when signal N has ended the process.
 *
 * Node has no names for real-time signals (32 to 64), and says of a process that one of them has ended the same as of a
 * process that exited with 0. `realTime` is the signal that was noticed by other means.
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
 * Notices by which real-time signal a process ends. It must be asked before Node reaps the process: in the turn in which
 * one of the pipes ends. An ending process closes its files first, and Node hears of its end after all pipes.
 */
export class RealTimeEnd {
  readonly #pid: number
  #isKnown = process.platform !== 'linux'
  /** Null: none, as far as is known. */
  signal: number | null = null

  constructor(pid: number) {
    this.#pid = pid
  }

  /** A pipe has ended: because the process is ending, or because it has closed that pipe. */
  onPipeEnd(): void {
    if (this.#isKnown) return
    const stat = readProcStat(this.#pid)
    if (stat?.isEnding !== true) return
    // Each look costs the system more than 10 µs when it must forget the process.
    this.#isKnown = true
    const signal = stat.status & SIGNAL_MASK
    if (signal >= FIRST_REAL_TIME_SIGNAL) this.signal = signal
  }
}

/** Whether `signal` is a real-time signal that ends the process: it neither catches, ignores nor blocks the signal. */
export function isFatalRealTimeSignal(pid: number, signal: NodeJS.Signals | number): boolean {
  if (typeof signal !== 'number' || signal < FIRST_REAL_TIME_SIGNAL) return false
  let status: string
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch {
    return false // Not Linux, or it has just ended.
  }
  const bit = 1n << BigInt(signal - 1)
  return [...status.matchAll(/^Sig(?:Blk|Ign|Cgt):\s*([\da-f]+)$/gm)].every(
    ([, mask]) => (BigInt(`0x${mask}`) & bit) === 0n,
  )
}
