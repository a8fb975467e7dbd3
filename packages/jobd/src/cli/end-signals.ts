import { cancelScope, type CancelScope } from '@tasktree/core'
import { takeSignal } from '@tasktree/core/lowlevel'

/**
 * A terminal sends Ctrl-C to all processes of a program, and a launcher such as npx sends it on to this process. So a
 * signal that comes this many milliseconds after another one, or earlier, is taken for the same signal.
 */
const echoTime = 500

/**
 * Handles SIGINT and SIGTERM while a server runs. The first signal tells the server to end. The second signal tells the
 * server not to wait for its jobs any longer. Neither signal ends the process at once. Otherwise the jobs that run
 * would count a death of the server.
 */
export class EndSignals {
  #scope: CancelScope | null = null
  #latest = -Infinity

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      takeSignal(signal)
      process.on(signal, () => this.#take())
    }
  }

  #take(): void {
    const now = performance.now()
    if (now - this.#latest <= echoTime) return
    this.#latest = now
    this.#scope?.cancel()
  }

  /** Runs `body` until it ends, or until the next signal cancels it. */
  async interrupt(body: () => PromiseLike<void>): Promise<void> {
    await cancelScope((scope) => {
      this.#scope = scope
      return body()
    })
  }
}
