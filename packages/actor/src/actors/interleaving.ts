import { createTask, isCancelled, type Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { setFlow } from '../messages/current-message.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'
import { ActorCrashed, ActorStopped, ReplyError } from '../errors.ts'
import { killed, tame } from '../exit-reason.ts'
import type { Envelope } from '../messages/envelope.ts'

/** The messages that are handled beside another one, each in a task of its own. */
export class Interleaving {
  readonly #incarnation: ActorIncarnation
  readonly #tasks = new Set<Task>()

  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
  }

  handle(envelope: Envelope): void {
    const incarnation = this.#incarnation
    const { path, runtime } = incarnation.child
    const task = createTask(() => this.#dispatch(envelope), {
      name: `${path} ${envelope.type}`,
      loop: runtime.loop,
    })
    setFlow(task, { incarnation, current: envelope })
    this.#tasks.add(task)
    observe(task, () => {
      this.#tasks.delete(task)
      envelope.ask?.refuse(new ActorStopped(path, incarnation.endReason ?? killed, true))
    })
  }

  async #dispatch(envelope: Envelope): Promise<void> {
    const incarnation = this.#incarnation
    try {
      const result = await incarnation.dispatch(envelope)
      incarnation.handled++
      envelope.ask?.reply(result)
    } catch (thrown) {
      const error = tame(thrown)
      if (isCancelled(error) && incarnation.endReason !== null) throw error
      if (error instanceof ReplyError && envelope.ask !== null) {
        envelope.ask.replyError(error)
        return
      }
      envelope.ask?.refuse(new ActorCrashed(incarnation.child.path, error, true))
      incarnation.crash(envelope, error)
      if (incarnation.endReason !== null) incarnation.interrupt(incarnation.endReason)
    }
  }

  cancelAll(): void {
    for (const task of this.#tasks) task.cancel()
  }
}
