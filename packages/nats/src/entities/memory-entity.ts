import { ActorCrashed, ActorStopped, type LocalActorRef, NoProc } from '@tasktree/actor'
import { type Context, detached, getEventLoop, type Task } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import type { Bus } from '../bus/bus.ts'
import { Signal } from '../link/signal.ts'
import { answer, forward } from '../services/forward.ts'
import { acceptedBy, type AskMessage, overloaded } from '../wire/ask-message.ts'
import type { Outcome } from '../wire/outcome.ts'
import { Activation } from './activation.ts'
import { IdleTimer } from './idle-timer.ts'
import type { RequestShard } from './request-shard.ts'

/** Milliseconds after which the sender of an ask is told which node works on it. */
const acceptTime = 100
/** How often a message is given to a new actor because the last one ended before the message's turn came. */
const mostTries = 5

/** An entity whose state and messages are in memory. */
export class MemoryEntity {
  readonly #shard: RequestShard
  readonly #key: string
  readonly #activation: Activation
  readonly #open = new Set<Task>()
  readonly #handled = new Signal()
  readonly #idle: IdleTimer

  constructor(shard: RequestShard, key: string) {
    this.#shard = shard
    this.#key = key
    this.#activation = new Activation(shard.actors, key)
    this.#activation.onEnd = () => shard.status.active.delete(this)
    this.#idle = new IdleTimer(shard.type.idleTimeout, () => void this.#passivate())
  }

  get #name(): string {
    return `${this.#shard.type.name}/${this.#key}`
  }

  /** The callback of the subscription must not wait, so a task gives the message to the actor. */
  receive(bus: Bus, reply: string, message: AskMessage): void {
    const { link } = this.#shard
    const { receivedCancels } = link
    const { kind, id } = message
    if (kind === 'ask' && receivedCancels.wasCancelled(id)) return
    const task = detached(() =>
      createServiceTask(() => this.#deliver(message), { name: this.#name }),
    )
    this.#open.add(task)
    const answers = kind !== 'tell' && reply !== ''
    const accept = answers
      ? getEventLoop().callLater(acceptTime, () => {
          if (bus.status === 'connected') bus.publish(reply, acceptedBy(link.node))
        })
      : null
    const stopListening =
      kind === 'ask'
        ? receivedCancels.expect(id, () => task.cancel('cancelled by its sender'))
        : null
    task.addDoneCallback(() => {
      this.#open.delete(task)
      this.#handled.notify()
      this.#idle.used()
      stopListening?.()
      accept?.cancel()
      if (task.cancelled()) return
      const error = task.exception()
      // Nobody waits for an answer to a tell.
      if (error !== null && kind === 'tell') {
        this.#shard.actors.warn(`${this.#name} has lost a message`, error)
      }
      if (!answers || bus.status !== 'connected') return
      if (kind === 'confirm' && error === null && task.result() === false) {
        bus.publish(reply, overloaded)
        return
      }
      const outcome: Outcome =
        error === null ? { kind: 'value', value: task.result() } : { kind: 'error', error }
      answer(bus, link.codec, reply, `${this.#name}.${message.method}`, outcome)
    })
  }

  async #deliver(message: AskMessage): Promise<unknown> {
    const { status, link } = this.#shard
    for (let tries = 1; ; tries++) {
      const ref = await this.#activation.get(() => {})
      status.active.add(this)
      try {
        return await forward(this.#name, message, link.codec, ({ context }) =>
          choose(ref, message.kind, context),
        )
      } catch (error) {
        if (tries === mostTries || !isUnhandled(error, ref)) throw error
        await ref.whenStopped
      }
    }
  }

  async #passivate(): Promise<void> {
    if (this.#open.size > 0) return
    await this.#activation.stop()
    if (this.#open.size === 0) this.#shard.forget(this.#key)
  }

  /** Called when the lease of the shard is lost. The actor is stopped together with the shard. */
  abort(): void {
    this.#idle.cancel()
  }

  /** Waits for the messages that it has, and for the end of its actor. */
  async close(): Promise<void> {
    try {
      while (this.#open.size > 0) await this.#handled.wait()
      await this.#activation.stop()
    } finally {
      this.#idle.cancel()
    }
  }
}

function choose(
  ref: LocalActorRef,
  kind: AskMessage['kind'],
  context: Context | undefined,
): unknown {
  if (kind === 'ask') return ref.ask({ timeout: Infinity, context })
  return context === undefined ? ref.tell : ref.tell({ context })
}

/** Whether the actor had ended before the message's turn came, so that the next actor may handle the message. */
function isUnhandled(error: unknown, { path }: LocalActorRef): boolean {
  if (error instanceof NoProc) return error.path === path
  return error instanceof ActorStopped && !(error instanceof ActorCrashed) && !error.delivered
}
