import { createTask, isCancelled, type Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { setActivity } from './activity.ts'
import type { ActorRun } from './actor-run.ts'
import { ActorCrashed, ActorStopped, ReplyError } from './errors.ts'
import { killed, tame } from './exit-reason.ts'
import type { Envelope } from './message.ts'

/** The messages that are handled beside another one, each in a task of its own. */
export class Interleaving {
  readonly #run: ActorRun
  readonly #tasks = new Set<Task>()

  constructor(run: ActorRun) {
    this.#run = run
  }

  handle(envelope: Envelope): void {
    const run = this.#run
    const { path, home } = run.slot
    const task = createTask(() => this.#dispatch(envelope), {
      name: `${path} ${envelope.type}`,
      loop: home.loop,
    })
    setActivity(task, { run, current: envelope })
    this.#tasks.add(task)
    observe(task, () => {
      this.#tasks.delete(task)
      envelope.ask?.refuse(new ActorStopped(path, run.endReason ?? killed, true))
    })
  }

  async #dispatch(envelope: Envelope): Promise<void> {
    const run = this.#run
    try {
      const result = await run.dispatch(envelope)
      run.handled++
      envelope.ask?.reply(result)
    } catch (thrown) {
      const error = tame(thrown)
      if (isCancelled(error) && run.endReason !== null) throw error
      if (error instanceof ReplyError && envelope.ask !== null) {
        envelope.ask.replyError(error)
        return
      }
      envelope.ask?.refuse(new ActorCrashed(run.slot.path, error, true))
      run.crash(envelope, error)
      if (run.endReason !== null) run.interrupt(run.endReason)
    }
  }

  cancelAll(): void {
    for (const task of this.#tasks) task.cancel()
  }
}
