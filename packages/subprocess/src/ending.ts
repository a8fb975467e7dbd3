import { type CancelledError, getEventLoop } from '@tasktree/core'
import { abortError, afterDelay } from '@tasktree/core/lowlevel'
import { PermissionError } from './errors.ts'
import { OneShotEvent } from './one-shot-event.ts'
import { endWithParent } from './end-with-parent.ts'
import { terminate } from './kill-ladder.ts'

/**
 * Why this program has ended a process: the `timeout` of the process has passed, the `signal` of the process has
 * aborted (then this is the CancelledError for the abort), or the process has written too much to an output. Where a
 * Cut may be null, null stands for every other reason, such as the end of the owner of the process.
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
 * Ends a process and sends signals to it. This program ends the process at most once: when `begin` is called, at the
 * `timeout` of the process, when its `signal` aborts, or when this program ends.
 *
 * A process that has exited by itself may have left another process that holds its pipes, and a call may still read
 * these pipes. Then the `timeout`, the `signal`, and more output than the call allows end only the reading. The other
 * process is left alone.
 *
 * The code consists of timers and callbacks only, so that it also works when the loop of the owner is closed.
 */
export class Ending {
  /** Happens when the process has exited and the system has removed it. */
  readonly exited: OneShotEvent = new OneShotEvent()
  /** Happens when the process has exited and this program has begun to end it, whichever comes later. */
  readonly cutOff: OneShotEvent = new OneShotEvent()
  readonly #facts: EndingFacts
  readonly #stopWatchingParent: () => void
  #cut: Cut | null = null
  /**
   * Null until this program begins to end the process. After that: the event that the process has exited, and that no
   * member of its group is alive or a member has outlived SIGKILL by 100 ms. If the process had exited before, the event
   * happens at once, because this program does not end the members of the group that are left.
   */
  #gone: OneShotEvent | null = null
  /** How many calls wait for the process, or read its output. */
  #calls = 0
  #disarm = (): void => {}

  constructor(facts: EndingFacts) {
    this.#facts = facts
    this.#arm()
    this.#stopWatchingParent = endWithParent({
      ...facts,
      send: (signal) => this.trySend(signal),
      end: (first, gone) => this.#begin(null, first).on(gone),
    })
    this.exited.on(() => {
      if (this.#calls === 0) this.#disarm()
      // Members of the group may still be alive while this program is ending the group. If this program ends, these members
      // must be ended too.
      if (this.#gone === null) this.#stopWatchingParent()
      else this.#gone.on(() => this.#stopWatchingParent())
      if (this.#gone !== null) this.cutOff.happen()
    })
  }

  /**
   * Starts the timer of the `timeout`, and listens to the `signal`. Either of them ends the process, or, after its exit,
   * only the reading of its output.
   */
  #arm(): void {
    const { timeout = Infinity, signal } = this.#facts
    const abort = (): void => {
      if (signal !== undefined) this.begin(abortError(signal))
    }
    signal?.addEventListener('abort', abort)
    // If the signal is aborted here, it has aborted after the exit of the process and before the current call. The
    // timer of 0 ms lets a call that has nothing to wait for return its result first.
    const stopAbort = signal?.aborted === true ? afterDelay(0, abort) : null
    const stopTimer = afterDelay(timeout, () => this.begin('timeout'))
    this.#disarm = () => {
      stopTimer()
      stopAbort?.()
      signal?.removeEventListener('abort', abort)
    }
  }

  /**
   * Called when a call begins to wait for the process or to read its output. Until the returned function is called, the
   * `timeout` and the `signal` apply even after the exit. A call that begins after the exit has the whole `timeout`. If
   * the signal has aborted before such a call begins, the call ends as soon as it must wait.
   */
  enterCall(): () => void {
    if (this.#calls++ === 0 && this.exited.hasHappened) this.#arm()
    return () => {
      if (--this.#calls === 0 && this.exited.hasHappened) this.#disarm()
    }
  }

  /**
   * Why this program ended the process, or ended the reading of its output after the exit. Null if this program did
   * neither, or did so for a reason that is not a Cut.
   */
  get cut(): Cut | null {
    return this.#cut
  }

  get begun(): boolean {
    return this.#gone !== null
  }

  /**
   * Whether this program has ended the process and its group. Also true if the process had already exited when this
   * program began to end it.
   */
  get isGone(): boolean {
    return this.#gone?.hasHappened === true
  }

  /**
   * Ends the process, because of `cut`: SIGTERM, and after `killGrace` SIGKILL. Returns the event that the process and
   * its group have ended.
   */
  begin(cut: Cut | null): OneShotEvent {
    return this.#begin(cut, 'SIGTERM')
  }

  #begin(cut: Cut | null, first: NodeJS.Signals): OneShotEvent {
    if (this.#gone !== null) return this.#gone
    const gone = new OneShotEvent()
    this.#gone = gone
    if (this.exited.hasHappened) {
      if (this.#calls > 0) this.#cut = cut
      gone.happen()
      this.cutOff.happen()
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

  /**
   * Sends a signal to the process, or to its whole group if it has one.
   *
   * @throws {PermissionError} when this program is not allowed to signal the process
   */
  send(signal: NodeJS.Signals | number): void {
    const { pid, group, program } = this.#facts
    try {
      process.kill(group ? -pid : pid, signal)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      // The process, or each member of its group, has ended already, so there is nothing to signal.
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
   * Sends a signal in order to end the process. Most such signals are sent in a callback, where no caller could catch an
   * error, so an error goes to the exception handler of the loop.
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
