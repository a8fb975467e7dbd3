import type { ReplyPort } from './ask.ts'
import { ActorCrashed, ActorStopped } from '../errors.ts'
import type { ExitReason } from '../exit-reason.ts'

/** The replies that one incarnation still owes. */
export class OpenPorts {
  readonly #ports = new Set<ReplyPort>()

  get size(): number {
    return this.#ports.size
  }

  keep(port: ReplyPort): void {
    this.#ports.add(port)
  }

  forget(port: ReplyPort): void {
    this.#ports.delete(port)
  }

  failAll(error: unknown): void {
    for (const port of this.#ports) port.fail(error)
    this.#ports.clear()
  }
}

/** What an ask fails with whose handler had begun when its actor ended. */
export function endedWhileHandling(path: string, reason: ExitReason): ActorStopped {
  return reason.kind === 'error'
    ? new ActorCrashed(path, reason.error, true)
    : new ActorStopped(path, reason, true)
}
