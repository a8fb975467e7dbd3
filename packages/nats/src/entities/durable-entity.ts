/**
 * An entity whose messages are applied to its state once each, in their order.
 *
 * For each message: the handler runs, the state is written together with the sequence of the message, and only when that
 * write has succeeded the sender is answered and the message is deleted. When the process dies before the write, the next
 * owner runs the handler again, on the state from before. When it dies after the write, the next owner finds that the state
 * includes the message, and does not run the handler. When there were two owners, only one of them could write.
 *
 * So each message is applied to the state once. But a handler may run more than once, so a handler with effects elsewhere
 * should use `ctx.idempotencyKey` for them.
 */
import { type Actor, ActorCrashed, ActorStopped, type LocalActorRef, NoProc } from '@tasktree/actor'
import { detached, isCancelled, sleep, type Task } from '@tasktree/core'
import { createServiceTask, isThenable } from '@tasktree/core/lowlevel'
import type { Delivery } from '../bus/bus.ts'
import { Fenced, PayloadTooLarge } from '../errors.ts'
import { Signal } from '../link/signal.ts'
import { answer, forward } from '../services/forward.ts'
import { type AskMessage, readAsk, replyHeader } from '../wire/ask-message.ts'
import type { Outcome } from '../wire/outcome.ts'
import { readable } from '../wire/readable.ts'
import { Activation } from './activation.ts'
import { IdleTimer } from './idle-timer.ts'
import { addId, hasId } from './recent-ids.ts'
import type { MailboxShard } from './mailbox-shard.ts'
import type { StoredState } from './state-store.ts'

/** Milliseconds before a start that has failed is tried again, doubled each time. */
const firstRetry = 50
const longestRetry = 30_000
/** If other code stops the actor each time, a message is tried at most this many times in this process. */
const mostTries = 5

/** The outcome of a message, and the encoded state that is written with it. */
interface Handled {
  readonly outcome: Outcome
  readonly data: Uint8Array | null
}

export class DurableEntity {
  readonly #shard: MailboxShard
  readonly #key: string
  readonly #activation: Activation
  readonly #queue: Delivery[] = []
  readonly #idle: IdleTimer
  readonly #changed = new Signal()
  readonly #closing = new Signal()
  /** The state that the server has; null if this node does not know it. */
  #stored: StoredState | null = null
  #actor: Actor | null = null
  #running: Task<void> | null = null
  #isIdle = false

  constructor(shard: MailboxShard, key: string) {
    this.#shard = shard
    this.#key = key
    const { actors, type, status } = shard.options
    this.#activation = new Activation(actors, key)
    this.#activation.onEnd = () => {
      this.#actor = null
      status.active.delete(this)
    }
    this.#idle = new IdleTimer(type.idleTimeout, () => {
      this.#isIdle = true
      this.#changed.notify()
    })
  }

  get #name(): string {
    return `${this.#shard.options.type.name}/${this.#key}`
  }

  push(delivery: Delivery): void {
    this.#isIdle = false
    this.#queue.push(delivery)
    this.#changed.notify()
    if (this.#running !== null) return
    const running = detached(() => createServiceTask(() => this.#run(), { name: this.#name }))
    this.#running = running
    running.addDoneCallback(() => {
      if (running.cancelled()) return
      const error = running.exception()
      if (error !== null) this.#shard.fail(error)
    })
  }

  /** Handles the messages, one after the other, until the entity is idle or its shard is closed. */
  async #run(): Promise<void> {
    const shard = this.#shard
    while (!shard.isClosing) {
      const delivery = this.#queue[0]
      if (delivery !== undefined) {
        if (await this.#handle(delivery)) this.#queue.shift()
        this.#idle.used()
      } else if (this.#isIdle) {
        await this.#passivate()
        if (this.#queue.length > 0) continue
        shard.forget(this.#key)
        return
      } else {
        await this.#changed.wait()
      }
    }
    this.#idle.cancel()
  }

  /** Returns true if the message needs no more work, and false if it must be handled again or the shard is closing. */
  async #handle(delivery: Delivery): Promise<boolean> {
    const shard = this.#shard
    const { link, lease } = shard.options
    const { sequence, storedAt } = delivery
    const message = readAsk(delivery)
    if (
      message === null ||
      (message.kind === 'ask' && link.receivedCancels.wasCancelled(message.id))
    ) {
      shard.done(delivery)
      return true
    }
    const stored = (this.#stored ??= await shard.store.load(this.#key))
    // A server that has lost its latest messages in a power loss gives their sequences to new messages. So the times are
    // compared too.
    const isOld = sequence <= stored.sequence && storedAt <= stored.at
    if (isOld || hasId(stored.recent, message.id)) {
      shard.done(delivery)
      return true
    }
    // The lease is lost, so the shard is about to end. The next owner will handle the message.
    if (!lease.isHeld) {
      await sleep(firstRetry)
      return false
    }
    const handled = await this.#call(message, delivery, stored)
    if (handled === null) return false
    const { outcome, data } = handled
    const recent = addId(stored.recent, message.id, storedAt)
    const next = await this.#save(stored, { sequence, at: storedAt, data, recent })
    if (next === 'fenced') return false
    this.#stored = next.state
    shard.done(delivery)
    this.#answer(message, delivery.header(replyHeader), next.failure ?? outcome)
    return true
  }

  /** Gives the message to the actor. Returns null if the message must be handled again. */
  async #call(
    message: AskMessage,
    { sequence, storedAt }: Delivery,
    stored: StoredState,
  ): Promise<Handled | null> {
    const { link, type } = this.#shard.options
    // The sequence alone would not do, because a server that has lost messages gives their sequences to new messages.
    const idempotencyKey = `${link.names.stateOf(type.name, this.#key)}:${sequence}-${storedAt}`
    for (let tries = 1; ; tries++) {
      const ref = await this.#activate(stored)
      if (ref === null) return null
      const actor = this.#actor
      try {
        const value = await forward(this.#name, message, link.codec, (options) =>
          ref.ask({ ...options, timeout: Infinity, idempotencyKey }),
        )
        return this.#capture(actor, stored, { kind: 'value', value })
      } catch (error) {
        if (isCancelled(error)) throw error
        const outcome: Outcome = { kind: 'error', error }
        const isGone = error instanceof NoProc && error.path === ref.path
        // The actor has answered with an error, or it has no such method.
        if (!isGone && !(error instanceof ActorStopped)) {
          return this.#capture(actor, stored, outcome)
        }
        await ref.whenStopped
        // The stop of the shard has stopped the actor, and its handler may have turned the cancel into another error. The
        // next owner handles the message.
        if (this.#shard.isClosing || !this.#shard.options.lease.isHeld) return null
        // A message that has crashed the actor is not tried again, as with every actor. The state stays as it was before.
        const isOver = error instanceof ActorCrashed || tries === mostTries
        if (isOver) return { outcome, data: stored.data }
      }
    }
  }

  /**
   * Returns the outcome with the state after the message. If `save` fails, or its value cannot be encoded, the message counts as
   * one that has crashed the actor.
   */
  async #capture(actor: Actor | null, stored: StoredState, outcome: Outcome): Promise<Handled> {
    const { link, codec } = this.#shard.options
    try {
      const state: unknown = codec.save(actor as never)
      if (isThenable(state)) throw new TypeError('save must return the state itself, got a promise')
      return { outcome, data: link.codec.encode(state) }
    } catch (thrown) {
      const error = readable(thrown, 'save')
      this.#shard.options.actors.warn(`${this.#name}: its state cannot be saved`, error)
      await this.#activation.stop(error)
      return { outcome: { kind: 'error', error }, data: stored.data }
    }
  }

  /**
   * Writes the state. If the data is too large, the message fails, and the data from before is written. Returns 'fenced' if
   * another owner has written.
   */
  async #save(
    stored: StoredState,
    next: Omit<StoredState, 'revision'>,
  ): Promise<'fenced' | { state: StoredState; failure: Outcome | null }> {
    const { lease, actors } = this.#shard.options
    let failure: Outcome | null = null
    let state: StoredState | null
    try {
      state = await this.#shard.store.save(this.#key, stored, next, lease.epoch)
    } catch (error) {
      if (!(error instanceof PayloadTooLarge)) throw error
      actors.warn(`${this.#name}: its state cannot be saved`, error)
      failure = { kind: 'error', error }
      await this.#activation.stop(error)
      const without = { ...next, data: stored.data }
      state = await this.#shard.store.save(this.#key, stored, without, lease.epoch)
    }
    if (state !== null) return { state, failure }
    await this.#fence()
    return 'fenced'
  }

  /** Called when another owner has written. Stops the actor, because its state is wrong, and checks the lease of this node. */
  async #fence(): Promise<void> {
    const { lease, actors } = this.#shard.options
    const error = new Fenced(this.#name)
    actors.warn(error.message, error)
    lease.verify()
    this.#stored = null
    await this.#activation.stop(error)
  }

  #answer(message: AskMessage, reply: string | null, outcome: Outcome): void {
    const { link } = this.#shard.options
    const bus = link.status === 'connected' ? link.current() : null
    if (message.kind !== 'ask' || reply === null || bus === null) return
    answer(bus, link.codec, reply, `${this.#name}.${message.method}`, outcome)
  }

  /** Stops the actor. Before that, stores its state if it has changed since the last message, for example by a timer. */
  async #passivate(): Promise<void> {
    const { lease } = this.#shard.options
    const stored = this.#stored
    if (this.#actor !== null && stored !== null && lease.isHeld) {
      const { data } = await this.#capture(this.#actor, stored, { kind: 'cancelled' })
      const isSame = data === null || Buffer.compare(data, stored.data ?? new Uint8Array(0)) === 0
      if (!isSame && (await this.#save(stored, { ...stored, data })) === 'fenced') return
    }
    this.#stored = null
    await this.#activation.stop()
  }

  /** Called when the shard is closing. Waits until the running message is handled, and stops the actor. */
  async close(): Promise<void> {
    this.#changed.notify()
    this.#closing.notify()
    try {
      await this.#running
      await this.#passivate()
    } finally {
      this.#idle.cancel()
    }
  }

  /**
   * Called when the lease of the shard is lost. The entity begins no further message. A write that is under way fails if another
   * owner has written.
   */
  abort(): void {
    this.#changed.notify()
    this.#closing.notify()
    this.#idle.cancel()
  }

  /** Starts the actor if it does not run. Returns null if the shard is closing. */
  async #activate(stored: StoredState): Promise<LocalActorRef | null> {
    const { link, codec, status, actors } = this.#shard.options
    for (
      let delay = firstRetry;
      !this.#shard.isClosing;
      delay = Math.min(2 * delay, longestRetry)
    ) {
      try {
        const ref = await this.#activation.get((actor) => {
          if (stored.data !== null) {
            const loading: unknown = codec.load(actor, link.codec.decode(stored.data))
            if (isThenable(loading)) throw new TypeError('load must not wait, got a promise')
          }
          this.#actor = actor
        })
        status.active.add(this)
        return ref
      } catch (error) {
        if (isCancelled(error)) throw error
        // The message has not caused the failure, so it must not be lost.
        actors.warn(`${this.#name} cannot start; it is tried again`, error)
      }
      await this.#closing.wait(delay * (0.5 + link.jitter() / 2))
    }
    return null
  }
}
