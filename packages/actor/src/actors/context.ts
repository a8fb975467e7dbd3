import { type Awaitable, ensureFuture } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Actor, ActorClass } from './actor.ts'
import { ActorRef } from './actor-ref.ts'
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
 * What an actor has besides its own state: `this.ctx`. It belongs to one incarnation; after that has ended
 * every method throws StaleIncarnation.
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

  /** Who started this actor: a supervisor or an actor; null outside of both. */
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

  /** When true, ends that come over links arrive at `onDown` instead of ending this actor. @defaultValue false */
  get trapExit(): boolean {
    return this.#incarnation.trapExit
  }

  set trapExit(on: boolean) {
    this.#live().trapExit = on
  }

  /**
   * Starts an actor that ends with this incarnation. A failure of it is logged; monitor or link it to hear of it.
   *
   * @throws {TypeError} {@link RangeError} for wrong arguments
   */
  spawn<A extends Actor, P extends unknown[]>(
    actorClass: ActorClass<A, P>,
    ...rest: Rest<P, SpawnOptions>
  ): Promise<ActorRef<A>> {
    const { runtime } = this.#child
    return this.#spawn(spawnedSpec(actorClass, rest, (className) => runtime.makeName(className)))
  }

  async #spawn<A extends Actor>(spec: ActorSpec<A>): Promise<ActorRef<A>> {
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

  /** `onDown` will be told once when it has ended, and of its restarts; of a pinned ref only that the incarnation ended. */
  monitor(ref: ChildRef): Monitor {
    if (!(ref instanceof ChildRef)) {
      throw new TypeError(`ctx.monitor takes the ref of a child, got ${describe(ref)}`)
    }
    return this.#live()
      .relations()
      .monitor(ref, ref instanceof ActorRef && ref.pinnedTo !== 0)
  }

  /** `flush` also takes back a DOWN that waits in the mailbox. */
  demonitor(monitor: Monitor, options: { flush?: boolean } = {}): void {
    this.#live()
      .relations()
      .demonitor(monitor, options.flush === true)
  }

  /** When one of the two incarnations ends abnormally, so does the other. */
  link(ref: ActorRef<never> | ActorRef): void {
    if (!(ref instanceof ActorRef)) {
      throw new TypeError(`ctx.link takes the ref of an actor, got ${describe(ref)}`)
    }
    this.#live().relations().link(ref.target.incarnation, ref.path)
  }

  /** Ends this actor when the handler that runs is done: a normal end. */
  stop(): void {
    this.#live().finish({ kind: 'normal' })
  }

  /** In `onStart`: this child is not needed. Its supervisor goes on without it. */
  ignore(): never {
    return this.#live().ignore()
  }

  /**
   * Waits for `awaitable` without keeping the actor; what comes out is handled as a message: `map` with its
   * value, `onError` with its error. Without `onError` an error crashes the actor. Cancelled when the incarnation ends.
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

  /** Calls `tick` every `ms` milliseconds, as a message. A tick that finds the one before unhandled is left out. */
  every(ms: number, tick: () => unknown, options?: TimerOptions): ActorTimer {
    return this.#live().timers().start(ms, tick, true, options)
  }

  /** Puts the message that is being handled aside; what its handler returns is not the reply. @throws {StashFull} */
  stash(): void {
    this.#live().open.stash()
  }

  /** Puts what was stashed back in front of the mailbox, in its order. */
  unstashAll(): void {
    this.#live().open.unstashAll()
  }

  /** From the next message on these functions handle the messages of their names; null: the class's own again. */
  become(behaviour: Record<string, (...args: never[]) => unknown> | null): void {
    this.#live().handlers.behaviour = behaviour
  }

  /**
   * The right to answer this ask later, or from elsewhere: return it from the handler, or keep it. For a tell
   * nobody hears the answer.
   */
  reply<T>(): ReplyPort<T> {
    return this.#live().open.takeReply()
  }

  /** The supervisor's back-off starts anew, before `resetAfter` has passed. */
  healthy(): void {
    this.#live().child.healthy()
  }

  /** `ref.tell`, as long as this incarnation lives. */
  tell<A extends Actor>(ref: ActorRef<A>): Tells<A> {
    this.#live()
    return ref.tell
  }

  /** `ref.ask`, as long as this incarnation lives. */
  ask<A extends Actor>(ref: ActorRef<A>, options: AskOptions = {}): Asks<A> {
    this.#live()
    return ref.ask(options)
  }
}

function refOrStopped<A extends Actor>(child: ActorChild | null, name: string): ActorRef<A> {
  if (child === null) throw new TypeError(`${name} said in onStart that it is not needed`)
  return child.ref as unknown as ActorRef<A>
}
