import { getEventLoop, TimeoutError } from '@tasktree/core'
import { afterDelay } from '@tasktree/core/lowlevel'
import { TimeoutExpired } from './errors.ts'
import { listenToLines } from './line-listener.ts'
import type { ManagedProcessOptions } from './managed-options.ts'
import { OneShotEvent } from './one-shot-event.ts'
import { defaultKillGrace, PIPE } from './options.ts'
import type { Process } from './process.ts'
import { createSubprocessExec } from './spawn.ts'

/** Starts one process for a ManagedProcess. Its streams are pipes if lines are passed on. */
export function startManaged(
  program: string,
  args: readonly string[],
  managedOptions: ManagedProcessOptions,
): Promise<Process> {
  // The ManagedProcess listens to the signal itself, because it must not start the process again after an abort.
  const { signal: _, ...options } = managedOptions
  const listened = (callback: unknown): typeof PIPE | undefined =>
    options.ready !== undefined || callback !== undefined ? PIPE : undefined
  return createSubprocessExec(program, args, {
    ...options,
    stdin: options.stdin ?? (options.stdio === undefined ? PIPE : undefined),
    stdout: options.stdout ?? listened(options.onStdout),
    stderr: options.stderr ?? listened(options.onStderr),
  })
}

/** What an incarnation needs of the managed process to which it belongs. */
export interface ManagedOwner {
  readonly program: string
  /** The event that the process must stop. */
  readonly halt: OneShotEvent
  /** Whether the process is not ready yet, and need not stop. */
  isStarting(): boolean
  onReady(): void
  /** Called when the process was not ready in time. */
  onFailure(error: unknown): void
  /** Called when the process has ended and its listeners have got the last lines. */
  onExit(returncode: number): void
}

/** One process of a ManagedProcess: watches for its readiness, passes its lines to the listeners, and stops it. */
export class Incarnation {
  readonly #child: Process
  readonly #options: ManagedProcessOptions
  readonly #owner: ManagedOwner
  /** The event after which the listeners get no more lines. */
  readonly #deaf = new OneShotEvent()

  constructor(child: Process, options: ManagedProcessOptions, owner: ManagedOwner) {
    this.#child = child
    this.#options = options
    this.#owner = owner
  }

  /** Waits for the end of the process and for its last line. A cancel ends the process. */
  async live(): Promise<void> {
    const child = this.#child
    const { onStdout, onStderr } = this.#options
    await using _ = child
    const forget = this.#endWhenHalted()
    const stopTimer = this.#watchReadiness()
    const heard = {
      program: this.#owner.program,
      onText: (text: string) => this.#lookForReadiness(text),
      deaf: this.#deaf,
    }
    const listeners = [
      listenToLines(child.stdout, { ...heard, listener: onStdout }),
      listenToLines(child.stderr, { ...heard, listener: onStderr }),
    ]
    const hasFallenDeaf = new Promise<null>((resolve) => this.#deaf.on(() => resolve(null)))
    try {
      const [, ended] = await Promise.all([
        waitToTheEnd(child),
        Promise.race([Promise.all(listeners), hasFallenDeaf]),
      ])
      if (ended === null) {
        const message = `a listener to the lines of ${this.#owner.program} did not settle: the rest is not heard`
        getEventLoop().callExceptionHandler({ message })
      }
    } finally {
      stopTimer()
      forget()
      for (const listener of listeners) listener.cancel()
      if (child.returncode !== null) this.#owner.onExit(child.returncode)
    }
  }

  /**
   * Ends the process when it must stop. After the end of the process, the listeners have `killGrace` more milliseconds for
   * the last lines. Then `#deaf` happens, and the listeners get no more lines. Returns a function that takes all of this
   * back.
   */
  #endWhenHalted(): () => void {
    const { killGrace = defaultKillGrace } = this.#options
    const steps: (() => void)[] = []
    const onGone = (): void => {
      steps.push(afterDelay(killGrace, () => this.#deaf.happen()))
    }
    const onHalt = (): void => {
      steps.push(this.#child.stop().on(onGone))
    }
    steps.push(this.#owner.halt.on(onHalt))
    return () => {
      for (const takeBack of steps) takeBack()
    }
  }

  /** Returns a function that stops the timer of `readyTimeout`. */
  #watchReadiness(): () => void {
    const { ready, readyTimeout = 30_000 } = this.#options
    if (ready === undefined) {
      this.#becomeReady()
      return () => {}
    }
    if (readyTimeout === Infinity) return () => {}
    const timer = getEventLoop().callLater(readyTimeout, () => {
      if (!this.#owner.isStarting()) return
      const message = `${this.#owner.program} was not ready within ${readyTimeout} ms`
      this.#owner.onFailure(new TimeoutError(message))
      this.#child.stop()
    })
    return () => timer.cancel()
  }

  #becomeReady(): void {
    if (this.#owner.isStarting()) this.#owner.onReady()
  }

  #lookForReadiness(line: string): void {
    const { ready } = this.#options
    if (ready === undefined || !this.#owner.isStarting()) return
    // `search` is called here, and not `test`, because `test` with the flag g begins where the last match ended.
    if (typeof ready === 'function' ? ready(line) : line.search(ready) !== -1) this.#becomeReady()
  }
}

/**
 * Waits for the end of the process. Does not throw if the `timeout` of the process has ended it, because that is an
 * ordinary end for a long-running process.
 */
async function waitToTheEnd(child: Process): Promise<void> {
  try {
    await child.wait()
  } catch (error) {
    if (!(error instanceof TimeoutExpired)) throw error
  }
}
