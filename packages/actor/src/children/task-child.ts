import { sleep, type Task } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import { ChildRef } from './child-ref.ts'
import type { TaskSpec } from './child-spec.ts'
import { type ExitReason, failure, killed, normal } from '../exit-reason.ts'
import { registerKind } from './child-kinds.ts'
import { Incarnation } from './incarnation.ts'
import { Child } from './child.ts'
import { AbandonableTask } from './abandonable-task.ts'
import { reportZombie } from './zombie.ts'

/** A child that is a coroutine. Each incarnation (run of the child) runs the coroutine as a task. */
export class TaskChild extends Child {
  readonly kind = 'task' as const
  declare spec: TaskSpec
  declare incarnation: TaskIncarnation | null

  protected override makeRef(): ChildRef {
    return new ChildRef(this)
  }

  protected override makeIncarnation(number: number): TaskIncarnation {
    return new TaskIncarnation(this, number)
  }
}

/**
 * One run of a child that is a task. The start always succeeds at once. A stop cancels the task. If the clean-up code
 * of the task then still runs at the deadline of the stop, the task is killed.
 */
export class TaskIncarnation extends Incarnation {
  declare readonly child: TaskChild
  #work!: AbandonableTask<unknown>
  #end: ExitReason | null = null

  override get task(): Task {
    return this.#work.task
  }

  protected override begin(): void {
    const { spec, path, runtime } = this.child
    const work = new AbandonableTask(path, runtime.loop, spec.coroutine)
    this.#work = work
    observe(work.task, () => this.#exit(this.#reason()))
    this.cameUp()
  }

  #exit(reason: ExitReason): void {
    if (reason.kind === 'error') {
      this.crashedIn = 'the task'
      this.decision = this.decide(reason.error)
    }
    this.ended(reason)
  }

  #reason(): ExitReason {
    const isCancelled = this.task.cancelled()
    if (isCancelled && this.#end !== null) return this.#end
    const failed = this.#work.failure()
    if (failed !== null) return failure(failed.error)
    if (isCancelled) {
      return { kind: 'shutdown', detail: { cancelled: this.#work.cancellation().message } }
    }
    return this.#end?.kind === 'killed' ? killed : normal
  }

  override finish(reason: ExitReason): void {
    this.interrupt(reason)
  }

  override interrupt(reason: ExitReason): void {
    if (this.over || this.#end !== null) return
    this.#end = reason
    this.child.status = 'stopping'
    this.#work.cancel('shutdown')
  }

  override kill(): void {
    if (this.over || this.#end === killed) return
    this.#end = killed
    this.#work.cancel('killed')
    observe(sleep(0), () => {
      this.child.runtime.loop.callSoon(() => this.#abandon())
    })
  }

  #abandon(): void {
    const promise = this.over ? null : this.#work.abandon()
    if (promise === null) return
    reportZombie(this, 'the task', 0, promise)
  }
}

registerKind('task', (spec, owner, runtime) => new TaskChild(spec, owner, runtime))
