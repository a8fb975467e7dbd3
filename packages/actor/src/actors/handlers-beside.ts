import { isCancelled } from '@tasktree/core'
import { abandon, createServiceTask, observe } from '@tasktree/core/lowlevel'
import { PersistentCancel } from './persistent-cancel.ts'
import { ActorStopped } from '../errors.ts'
import { killed } from '../exit-reason.ts'
import type { Envelope } from '../messages/envelope.ts'
import { HandlerFlow, runOutsideOfFlows } from '../messages/handler-flow.ts'
import { messageTracing } from '../messages/tracing.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'
import { answerThrown } from './handler-errors.ts'
import type { MessageLoop } from './message-loop.ts'

/**
 * Runs handlers of an actor while another handler of the same actor waits for a promise. The waiting handler is called
 * the main handler: its message was taken from the mailbox in order. The other handlers are those of messages named in
 * `Actor.interleave`, and of messages that an ask with the option `reentrant` has caused. Each of them has its own
 * task, so that it can be cancelled alone.
 */
export class HandlersBeside {
  readonly #incarnation: ActorIncarnation
  readonly #messageLoop: MessageLoop
  readonly #flows = new Map<Envelope, HandlerFlow>()
  #onEnded: (() => void)[] = []

  constructor(incarnation: ActorIncarnation, messageLoop: MessageLoop) {
    this.#incarnation = incarnation
    this.#messageLoop = messageLoop
  }

  get size(): number {
    return this.#flows.size
  }

  /**
   * Returns the HandlerFlow (the object for one run of a handler) of the handler that handles the message `envelope`
   * now. Null if that message is handled by the main handler, or is not being handled.
   */
  flowOf(envelope: Envelope): HandlerFlow | null {
    return this.#flows.get(envelope) ?? null
  }

  handle(envelope: Envelope): void {
    const incarnation = this.#incarnation
    const { path, runtime } = incarnation.child
    let flow!: HandlerFlow
    const task = runOutsideOfFlows(() =>
      createServiceTask(() => this.#run(flow), {
        name: `${path} ${envelope.type}`,
        loop: runtime.loop,
      }),
    )
    flow = new HandlerFlow(incarnation, envelope, task, performance.now())
    this.#flows.set(envelope, flow)
    observe(task, () => this.#end(flow))
  }

  async #run(flow: HandlerFlow): Promise<void> {
    try {
      flow.promise = (async () => this.#messageLoop.call(flow))()
      const result = await flow.promise
      this.#messageLoop.answer(flow.envelope, flow, result)
    } catch (thrown) {
      if (flow.ended) return
      if (messageTracing.isLive) messageTracing.settle(flow, { error: thrown })
      const incarnation = this.#incarnation
      const crash = answerThrown(incarnation, flow, thrown)
      this.#messageLoop.threwBeside(flow, crash)
      if (crash === null) {
        if (isCancelled(thrown) && incarnation.endReason !== null) throw thrown
        return
      }
      const wasEnding = incarnation.endReason !== null
      incarnation.crash(flow.envelope, crash.error)
      // The crash of this handler cancels the other handlers. But a stop that had begun before lets them finish.
      if (!wasEnding && incarnation.endReason !== null) incarnation.interrupt(incarnation.endReason)
    }
  }

  #end(flow: HandlerFlow): void {
    const { envelope } = flow
    if (!this.#flows.delete(envelope)) return
    flow.end()
    const { child, endReason } = this.#incarnation
    // If `flow.promise` is null, the task was cancelled before its first step, so no handler was called with the
    // message, and the message goes back to the mailbox.
    if (flow.promise === null) child.putBack([envelope, ...this.#takeUnbegun()])
    else if (flow.port === null && !flow.stashed) {
      envelope.ask?.refuse(new ActorStopped(child.path, endReason ?? killed, true))
    }
    if (this.#flows.size > 0) return
    for (const onEnded of this.#onEnded.splice(0)) onEnded()
    this.#incarnation.wake()
  }

  /**
   * Removes and returns the messages whose tasks were cancelled before their first step, in the order of their arrival.
   * They go back to the mailbox together, because each call of `putBack` puts its messages before those in the mailbox.
   */
  #takeUnbegun(): Envelope[] {
    const unbegun = [...this.#flows.values()].filter(
      ({ promise, task }) => promise === null && task.cancelling() > 0,
    )
    for (const flow of unbegun) {
      this.#flows.delete(flow.envelope)
      flow.end()
    }
    return unbegun.map(({ envelope }) => envelope)
  }

  cancelAll(): void {
    for (const { task } of this.#flows.values()) {
      void new PersistentCancel(task, () => task.done())
    }
  }

  /** Settles when all handlers that ran beside the main handler have ended, or when `abandon` has given them up. */
  async ended(): Promise<void> {
    if (this.#flows.size === 0) return
    await new Promise<void>((resolve) => this.#onEnded.push(resolve))
  }

  /**
   * Called after a kill. Cancels all handlers that run beside the main handler, and does not wait for their end.
   * Returns the HandlerFlow (the object for one run of a handler) of each handler whose code has begun, because this
   * code may still run.
   */
  abandon(): HandlerFlow[] {
    const flows = [...this.#flows.values()]
    const { loop } = this.#incarnation.child.runtime
    for (const flow of flows) {
      flow.task.cancel('killed')
      this.#end(flow)
      // Without the call of `abandon`, the task would go on for as long as its code waits, and `run` waits for each
      // task.
      loop.callSoon(() => abandon(flow.task))
    }
    return flows.filter((flow) => flow.promise !== null)
  }
}
