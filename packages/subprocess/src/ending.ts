import { type CancelledError, getEventLoop } from '@tasktree/core'
import { PermissionError } from './errors.ts'
import { Milestone } from './milestone.ts'
import { endWithParent } from './parent-end.ts'
import { terminate } from './termination.ts'

/** Why a process was ended from here, other than by the end of its owner. */
export type Cut = 'timeout' | CancelledError | { over: 'stdout' | 'stderr' }

export interface EndingFacts {
  readonly pid: number
  readonly program: string
  readonly group: boolean
  readonly foreground: boolean
  readonly killGrace: number
}

/**
 * How a process ends: it is signalled here, ended from here once, and told of the end of this process.
 *
 * All of it consists of timers and callbacks, so that it also works when the loop of the owner is closed.
 */
export class Ending {
  /** Reached when the process has exited and was reaped. */
  readonly exited: Milestone = new Milestone()
  readonly #facts: EndingFacts
  readonly #stopWatchingParent: () => void
  #cut: Cut | null = null
  /** Not null once the process is being ended from here: reached when no member of its group is left. */
  #gone: Milestone | null = null

  constructor(facts: EndingFacts) {
    this.#facts = facts
    this.#stopWatchingParent = endWithParent({
      ...facts,
      send: (signal) => this.trySend(signal),
      end: (first, gone) => this.#begin(null, first).on(gone),
    })
    this.exited.on(() => {
      // While members of its group are still to be ended, the end of this process must reach them too.
      if (this.#gone === null) this.#stopWatchingParent()
      else this.#gone.on(() => this.#stopWatchingParent())
    })
  }

  /** Why it was ended from here; null when it was not, and when it had exited before. */
  get cut(): Cut | null {
    return this.#cut
  }

  get begun(): boolean {
    return this.#gone !== null
  }

  /** Ends the process, because of `cut`: SIGTERM, and after `killGrace` SIGKILL. */
  begin(cut: Cut | null): Milestone {
    return this.#begin(cut, 'SIGTERM')
  }

  #begin(cut: Cut | null, first: NodeJS.Signals): Milestone {
    if (this.#gone !== null) return this.#gone
    const gone = new Milestone()
    this.#gone = gone
    if (this.exited.reached) {
      gone.reach()
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
      () => gone.reach(),
    )
    return gone
  }

  /** Signals the process, and its whole group where it has one. @throws {PermissionError} */
  send(signal: NodeJS.Signals | number): void {
    const { pid, group, program } = this.#facts
    try {
      process.kill(group ? -pid : pid, signal)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      // It has ended, and Node is about to tell.
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

  /** As `send`, where no caller could catch an error: the exception handler of the loop is told. */
  trySend(signal: NodeJS.Signals): void {
    try {
      this.send(signal)
    } catch (error) {
      const message = `process ${this.#facts.pid} could not be ended`
      getEventLoop().callExceptionHandler({ message, exception: error })
    }
  }
}
