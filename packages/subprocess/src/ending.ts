import { type CancelledError, getEventLoop } from '@tasktree/core'
import { abortError, afterDelay } from '@tasktree/core/lowlevel'
import { PermissionError } from './errors.ts'
import { OneShotEvent } from './one-shot-event.ts'
import { endWithParent } from './end-with-parent.ts'
import { terminate } from './kill-ladder.ts'

/**
 * Why this program has ended a process: the `timeout` of the process has passed, its `signal` has aborted, or it has
 * written too much. If the process was ended because its owner has ended, there is no cut, and null stands for that.
 */
export type Cut = 'timeout' | CancelledError | { over: 'stdout' | 'stderr' }

export interface EndingFacts {
  readonly pid: number
  readonly program: string
  readonly group: boolean
  readonly foreground: boolean
  readonly killGrace: number
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * Ends a process and sends signals to it. The process is ended at most once. It is also ended at its `timeout`, when its
 * `signal` aborts, and when this program ends.
 *
 * The code consists of timers and callbacks only, so that it also works when the loop of the owner is closed.
 */
export class Ending {
  /** Happens when the process has exited and the system has removed it. */
  readonly exited: OneShotEvent = new OneShotEvent()
  readonly #facts: EndingFacts
  readonly #stopWatchingParent: () => void
  #cut: Cut | null = null
  /**
   * Null until this program begins to end the process. After that: the event that no member of its process group is left
   * alive.
   */
  #gone: OneShotEvent | null = null

  constructor(facts: EndingFacts) {
    this.#facts = facts
    this.#stopWatchingParent = endWithParent({
      ...facts,
      send: (signal) => this.trySend(signal),
      end: (first, gone) => this.#begin(null, first).on(gone),
    })
    this.exited.on(() => {
      // Members of the group may still be alive while this program is ending the group. If this program ends, these members
      // must be ended too.
      if (this.#gone === null) this.#stopWatchingParent()
      else this.#gone.on(() => this.#stopWatchingParent())
    })
    this.#endAtTimeoutOrAbort(facts)
  }

  #endAtTimeoutOrAbort({ timeout = Infinity, signal }: EndingFacts): void {
    const stopTimer = afterDelay(timeout, () => this.begin('timeout'))
    const abort = (): void => {
      if (signal !== undefined) this.begin(abortError(signal))
    }
    signal?.addEventListener('abort', abort)
    this.exited.on(() => {
      stopTimer()
      signal?.removeEventListener('abort', abort)
    })
  }

  /** Why this program ended the process; null when it did not, or when the process had already exited. */
  get cut(): Cut | null {
    return this.#cut
  }

  get begun(): boolean {
    return this.#gone !== null
  }

  /** Ends the process, because of `cut`: SIGTERM, and after `killGrace` SIGKILL. */
  begin(cut: Cut | null): OneShotEvent {
    return this.#begin(cut, 'SIGTERM')
  }

  #begin(cut: Cut | null, first: NodeJS.Signals): OneShotEvent {
    if (this.#gone !== null) return this.#gone
    const gone = new OneShotEvent()
    this.#gone = gone
    if (this.exited.hasHappened) {
      gone.happen()
      return gone
    }
    this.#cut = cut
    const { pid, group, killGrace } = this.#facts
    terminate(
      {
        pid,
        group,
        killGrace,
        send: (signal) => this.trySend(signal),
        onExit: (callback) => this.exited.on(callback),
      },
      first,
      () => gone.happen(),
    )
    return gone
  }

  /** Sends a signal to the process, or to its whole group if it has one. @throws {PermissionError} */
  send(signal: NodeJS.Signals | number): void {
    const { pid, group, program } = this.#facts
    try {
      process.kill(group ? -pid : pid, signal)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      // The process has ended, and Node is about to report this.
      if (code === 'ESRCH') return
      if (code !== 'EPERM') throw error
      throw new PermissionError(`not allowed to signal process ${pid}: ${message}`, {
        code,
        syscall: 'kill',
        path: program,
        cause: error,
      })
    }
  }

  /**
   * Sends a signal from a callback. No caller could catch an error there, so an error goes to the exception handler of
   * the loop.
   */
  trySend(signal: NodeJS.Signals): void {
    try {
      this.send(signal)
    } catch (error) {
      const message = `process ${this.#facts.pid} could not be ended`
      getEventLoop().callExceptionHandler({ message, exception: error })
    }
  }
}
