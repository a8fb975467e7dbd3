import { type Awaitable, ensureFuture } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Actor, ActorClass } from './actor.ts'
import { LocalActorRef } from './local-actor-ref.ts'
import type { Asks, SelfRef, Tells } from './message-types.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'
import type { ActorChild } from './actor-child.ts'
import type { AskOptions } from '../messages/ask.ts'
import { activeFlow } from '../messages/handler-flow.ts'
import type { ReplyPort } from '../messages/reply-ports.ts'
import { ChildRef } from '../children/child-ref.ts'
import {
  type ActorSpec,
  child,
  type Rest,
  spawnedSpec,
  type SupervisorOptions,
  type SupervisorSpec,
} from '../children/child-spec.ts'
import { checkSupervisorObject } from '../children/check-spec.ts'
import { StaleIncarnation } from '../errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Monitor } from './monitor.ts'
import type { SpawnOptions } from './spawn.ts'
import type { SupervisorRef } from '../supervision/supervisor-ref.ts'
import type { ActorTimer, TimerOptions } from './timers.ts'

/**
 * What an actor can do: `this.ctx`. It belongs to one incarnation. After that has ended, every method throws
 * StaleIncarnation.
 */
export class ActorContext<Self extends Actor = Actor> {
  readonly #incarnation: ActorIncarnation
  readonly #child: ActorChild

  /** @internal */
  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
    this.#child = incarnation.child
  }

  #live(): ActorIncarnation {
    if (this.#incarnation.revoked) throw new StaleIncarnation(this.path, this.incarnation)
    return this.#incarnation
  }

  get name(): string {
    return this.#child.id
  }

  get path(): string {
    return this.#child.path
  }

  /** A ref to this actor, with the type of its class. */
  get self(): SelfRef<Self> {
    return this.#child.ref as SelfRef<Self>
  }

  /** The ref of the supervisor or actor that started this one; null for an actor that plain code has spawned. */
  get parent(): ChildRef | null {
    return this.#child.owner.ownRef
  }

  /** 1, and one more with each restart. */
  get incarnation(): number {
    return this.#incarnation.number
  }

  /** Aborts when the handler that reads it is cancelled, for APIs that take a signal. */
  get signal(): AbortSignal {
    const incarnation = this.#live()
    const flow = activeFlow()
    return flow?.incarnation === incarnation ? flow.task.signal : incarnation.task.signal
  }

  /** The system's logger. */
  get log(): Logger {
    return this.#child.runtime.log
  }

  /** When true, the end of a linked actor arrives at `onDown` instead of ending this actor. @defaultValue false */
  get trapExit(): boolean {
    return this.#incarnation.trapExit
  }

  set trapExit(on: boolean) {
    this.#live().trapExit = on
  }

  /**
   * Starts an actor that ends with this incarnation. It is not started again when it crashes. Monitor or link it to be told.
   *
   * @throws {TypeError} {@link RangeError} for wrong arguments
   */
  spawn<A extends Actor, P extends unknown[]>(
    actorClass: ActorClass<A, P>,
    ...rest: Rest<P, SpawnOptions>
  ): Promise<LocalActorRef<A>> {
    const { runtime } = this.#child
    return this.#spawn(spawnedSpec(actorClass, rest, (className) => runtime.makeName(className)))
  }

  async #spawn<A extends Actor>(spec: ActorSpec<A>): Promise<LocalActorRef<A>> {
    const child = await this.#live().children().start(spec)
    return refOrStopped<A>(child as ActorChild | null, spec.id)
  }

  /** Starts a supervisor that ends with this incarnation. @throws {TypeError} {@link RangeError} naming the option that is wrong */
  supervise(options: SupervisorOptions & { name?: string }): Promise<SupervisorRef> {
    checkSupervisorObject(options)
    const { name = this.#child.runtime.makeName('supervisor'), ...supervisor } = options
    return this.#supervise(child.supervisor(name, supervisor, { restart: 'temporary' }))
  }

  async #supervise(spec: SupervisorSpec): Promise<SupervisorRef> {
    const child = await this.#live().children().start(spec)
    return (child as NonNullable<typeof child>).ref as SupervisorRef
  }

  /** Calls `onDown` after each restart of the child and once when it has ended. For a pinned ref, only when that incarnation has ended. */
  monitor(ref: ChildRef): Monitor {
    if (!(ref instanceof ChildRef)) {
      throw new TypeError(`ctx.monitor takes the ref of a child, got ${describe(ref)}`)
    }
    return this.#live()
      .relations()
      .monitor(ref, ref instanceof LocalActorRef && ref.pinnedTo !== 0)
  }

  /** Ends a monitor. With `flush`, a DOWN of it that waits in the mailbox is taken back. */
  demonitor(monitor: Monitor, options: { flush?: boolean } = {}): void {
    this.#live()
      .relations()
      .demonitor(monitor, options.flush === true)
  }

  /** When one of the two incarnations ends abnormally, so does the other. */
  link(ref: LocalActorRef<never> | LocalActorRef): void {
    if (!(ref instanceof LocalActorRef)) {
      throw new TypeError(`ctx.link takes the ref of an actor, got ${describe(ref)}`)
    }
    this.#live().relations().link(ref.target.incarnation, ref.path)
  }

  /** Ends this actor normally after the running handler. */
  stop(): void {
    this.#live().finish({ kind: 'normal' })
  }

  /** In `onStart`: this child is not needed. Its supervisor goes on without it. */
  ignore(): never {
    return this.#live().ignore()
  }

  /**
   * Waits for `awaitable` while the actor handles other messages. The outcome is handled as a message, by `map` or by
   * `onError`. Without `onError` an error crashes the actor. `awaitable` is cancelled when the incarnation ends.
   */
  pipe<T>(
    awaitable: Awaitable<T>,
    map: (value: T) => unknown,
    onError?: (error: unknown) => unknown,
  ): void {
    if (typeof map !== 'function') {
      throw new TypeError(`ctx.pipe needs a function for the value, got ${describe(map)}`)
    }
    this.#live().pipes().add(ensureFuture(awaitable), map, onError)
  }

  /** Calls `tick` once, after `ms` milliseconds, as a message of this incarnation. */
  after(ms: number, tick: () => unknown, options?: TimerOptions): ActorTimer {
    return this.#live().timers().start(ms, tick, false, options)
  }

  /** Calls `tick` every `ms` milliseconds, as a message. A tick is left out while the one before it waits in the mailbox. */
  every(ms: number, tick: () => unknown, options?: TimerOptions): ActorTimer {
    return this.#live().timers().start(ms, tick, true, options)
  }

  /** Puts the current message aside. Its handler runs again after `unstashAll`; what it returns now is not the answer. @throws {StashFull} @throws {InvalidStateError} outside of a handler */
  stash(): void {
    this.#live().open.stash()
  }

  /** Puts the stashed messages back in front of the mailbox, in their order. */
  unstashAll(): void {
    this.#live().open.unstashAll()
  }

  /** From the next message on, the function of a name handles the messages of that name. `null` restores the methods. */
  become(behaviour: Record<string, (...args: never[]) => unknown> | null): void {
    this.#live().handlers.behaviour = behaviour
  }

  /**
   * The right to answer the current message later, or from elsewhere. Return the port from the handler, or keep it. For a
   * tell the answer is ignored.
   *
   * @throws {InvalidStateError} outside of a handler
   */
  reply<T>(): ReplyPort<T> {
    return this.#live().open.takeReply()
  }

  /** Makes the next restart count as the first, before `resetAfter` has passed. */
  healthy(): void {
    this.#live().child.healthy()
  }

  /** `ref.tell`; throws once this incarnation has ended. */
  tell<A extends Actor>(ref: LocalActorRef<A>): Tells<A> {
    this.#live()
    return ref.tell
  }

  /** `ref.ask`; throws once this incarnation has ended. */
  ask<A extends Actor>(ref: LocalActorRef<A>, options: AskOptions = {}): Asks<A> {
    this.#live()
    return ref.ask(options)
  }
}

function refOrStopped<A extends Actor>(child: ActorChild | null, name: string): LocalActorRef<A> {
  if (child === null) throw new TypeError(`${name} said in onStart that it is not needed`)
  return child.ref as unknown as LocalActorRef<A>
}
