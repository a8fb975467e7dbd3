/**
 * Tells when this process has heard the signals that were sent to it before a child of it ended.
 *
 * At Ctrl-C the terminal sends SIGINT to the child and to this process. If SIGINT ends the child, Node may report the
 * end of the child first and SIGINT some milliseconds later: the system lets any thread of this process handle a
 * signal, and while the machine is busy, that thread may have to wait for a processor. So listeners that must not hear
 * this SIGINT must not be added back at once when the child has ended.
 *
 * Linux shows which signals wait for a thread, and which signals a thread blocks. While the signal handler of libuv
 * runs in a thread, that thread blocks all signals, because libuv installs its handler in that way. Some other threads
 * always block SIGINT. The constructor, which runs when the child starts, notes these threads.
 */
import { afterDelay } from '@tasktree/core/lowlevel'
import { readdirSync, readFileSync } from 'node:fs'
import { isOutOfDescriptors } from './proc-stat.ts'

/** The bits of SIGINT and SIGQUIT, which have the numbers 2 and 3. */
const TERMINAL_SIGNALS = 0b110
/**
 * The longest time in milliseconds to wait for a signal that was sent, and that libuv seems not to have handled yet.
 */
const PATIENCE = 200

export class PendingSignals {
  /** The threads that blocked the signals of the terminal when this object was made, as far as they are known. */
  readonly #blocking = new Set((threads() ?? []).filter((thread) => blocks(readStatus(thread))))

  /**
   * Calls `callback` when `process` has emitted each SIGINT and SIGQUIT that was sent before the call of `whenHeard`,
   * but at the latest about PATIENCE milliseconds after that call.
   */
  whenHeard(callback: () => void): void {
    const end = performance.now() + PATIENCE
    const look = (): void => {
      if (this.#areThere() && performance.now() < end) afterDelay(1, look)
      // libuv has handled the signals now, and Node emits them in its next turn. The first of the two waits may only
      // end the current turn, which may have begun before the signals came.
      else afterTurn(() => afterTurn(callback))
    }
    look()
  }

  /** Whether libuv may not yet have handled a signal that was sent. True while the threads cannot be listed. */
  #areThere(): boolean {
    const hasSignal = (thread: string): boolean => {
      const status = readStatus(thread)
      return waits(status) || (!this.#blocking.has(thread) && blocks(status))
    }
    return threads()?.some(hasSignal) ?? true
  }
}

function afterTurn(callback: () => void): void {
  // oxlint-disable-next-line eslint/no-restricted-globals -- a turn of Node's loop is meant, not a turn of an EventLoop
  setImmediate(callback)
}

/**
 * Returns the threads of this process; null while this program has no free file descriptor to list them with. Only
 * Linux lists threads, in /proc. On other systems the result is an empty array.
 */
function threads(): string[] | null {
  try {
    return readdirSync('/proc/self/task')
  } catch (error) {
    return isOutOfDescriptors(error) ? null : []
  }
}

/** Returns the facts that Linux tells about a thread of this process; an empty text when the facts cannot be read. */
function readStatus(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/status`, 'latin1')
  } catch {
    return ''
  }
}

function waits(status: string): boolean {
  return (
    hasTerminalSignal(/^ShdPnd:\t(\w+)/m.exec(status)) ||
    hasTerminalSignal(/^SigPnd:\t(\w+)/m.exec(status))
  )
}

function blocks(status: string): boolean {
  return hasTerminalSignal(/^SigBlk:\t(\w+)/m.exec(status))
}

/**
 * Whether a mask of signals contains a signal of the terminal. The first group of `match` is the mask, 64 bits in
 * hexadecimal.
 */
function hasTerminalSignal(match: RegExpExecArray | null): boolean {
  return (Number.parseInt(match?.[1]?.slice(-2) ?? '0', 16) & TERMINAL_SIGNALS) !== 0
}
