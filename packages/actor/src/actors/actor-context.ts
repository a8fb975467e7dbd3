import { type Awaitable, ensureFuture } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import type { Actor, ActorClass } from './actor.ts'
import { LocalActorRef } from './local-actor-ref.ts'
import type { Asks, SelfRef, Tells } from './message-types.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'
import type { ActorChild } from './actor-child.ts'
import type { AskOptions } from '../messages/ask.ts'
import { activeFlow } from '../messages/handler-flow.ts'
import type { ReplyPort } from '../messages/deferred-replies.ts'
import { ChildRef } from '../children/child-ref.ts'
import {
  type ActorSpec,
  child,
  type Rest,
  spawnedSpec,
  type SupervisorOptions,
  type SupervisorSpec,
} from '../children/child-spec.ts'
import { lookup, type LookupArguments } from '../children/lookup.ts'
import { checkSupervisorObject } from '../children/check-spec.ts'
import { StaleIncarnation } from '../errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Monitor } from './monitor.ts'
import type { SpawnOptions } from './spawn.ts'
import type { SupervisorRef } from '../supervision/supervisor-ref.ts'
import type { ActorTimer, TimerOptions } from './timers.ts'

/**
 * The API of an actor for its own code: `this.ctx`. A context belongs to one incarnation, which is one run of the
 * actor, from a start or a restart to the next end. After that end, every method throws StaleIncarnation.
 *
 * @example
 *     class Watchdog extends Actor {
 *       #ticks = 0
 *       protected override onStart(): void {
 *         this.ctx.every(5, () => ++this.#ticks)
 *       }
 *       ticks(): string {
 *         return `${this.ctx.name} has ticked: ${this.#ticks > 0}`
 *       }
 *     }
 *     const dog = await spawn(Watchdog, [], { name: 'dog' })
 *     await sleep(50)
 *     console.log(await dog.ask.ticks()) // dog has ticked: true
 *     await dog.stop()
 */
export class ActorContext<Self extends Actor = Actor> {
  readonly #incarnation: ActorIncarnation
  readonly #child: ActorChild

  /** @internal contexts are made by this package, one for each incarnation (run of the actor) */
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

  /** A ref to this actor, typed with the actor's class. */
  get self(): SelfRef<Self> {
    return this.#child.ref as SelfRef<Self>
  }

  /**
   * The ref of the supervisor or actor that started this actor. Null if the actor was started by the function `spawn`,
   * and not by `ctx.spawn`.
   */
  get parent(): ChildRef | null {
    return this.#child.owner.ownRef
  }

  /**
   * The number of this incarnation (run of the actor). The first incarnation has the number 1, and each restart adds 1.
   */
  get incarnation(): number {
    return this.#incarnation.number
  }

  /**
   * An AbortSignal to pass to other APIs, such as `fetch`. The signal that a handler reads aborts when that handler is
   * cancelled. The signal that other code reads aborts when the task of this incarnation (run of the actor) is
   * cancelled.
   */
  get signal(): AbortSignal {
    const incarnation = this.#live()
    const flow = activeFlow()
    return flow?.incarnation === incarnation ? flow.task.signal : incarnation.task.signal
  }

  /**
   * The idempotency key of the message that is being handled: a text that the sender has chosen, and by which the
   * receiver recognizes a message that it gets again. A message that is handled several times has the same key each
   * time. Pass the key on to an operation that must not be done twice, such as a payment. The property is null in two
   * cases: the sender has given the message no key, or code outside of a handler of this actor, such as a hook,
   * reads the property.
   */
  get idempotencyKey(): string | null {
    const incarnation = this.#live()
    const flow = activeFlow()
    return flow?.incarnation === incarnation ? (flow.envelope.ask?.idempotencyKey ?? null) : null
  }

  /** The logger of the ActorSystem. For an actor outside of every ActorSystem, a logger that writes to the console. */
  get log(): Logger {
    return this.#child.runtime.log
  }

  /**
   * Says what happens when an actor that is linked to this actor ends. If true, `onDown` of this actor is called. If
   * false, this actor ends too when the linked actor has ended abnormally.
   * @defaultValue false
   */
  get trapExit(): boolean {
    return this.#incarnation.trapExit
  }

  set trapExit(on: boolean) {
    this.#live().trapExit = on
  }

  /**
   * Starts an actor as a child of this actor. The new actor is stopped when this incarnation (the current run of this
   * actor) ends. The new actor is not restarted when it crashes. To learn of its end, monitor it or link to it.
   *
   * @throws {TypeError} for wrong arguments
   * @throws {RangeError} for arguments whose value is out of range
   */
  spawn<A extends Actor, P extends unknown[]>(
    actorClass: ActorClass<A, P>,
    ...rest: Rest<P, SpawnOptions>
  ): Promise<LocalActorRef<A>> {
    const { runtime } = this.#child
    return this.#spawn(spawnedSpec(actorClass, rest, (className) => runtime.makeName(className)))
  }

  async #spawn<A extends Actor>(spec: ActorSpec<A>): Promise<LocalActorRef<A>> {
    const child = await this.#live().parts.children().start(spec)
    return refOrStopped<A>(child as ActorChild | null, spec.id)
  }

  /**
   * Finds a child in this actor's system by its path or by a registered name, and returns its ref. Returns null when no
   * child has that path or name. If this actor is outside of every system, only the actors that `spawn` has started,
   * and the children below them, are found, by their paths. If the caller passes an actor class or a ref class
   * (SupervisorRef, ResourceRef), the ref has that type.
   *
   * @throws {TypeError} when the ref that was found has another class
   *
   * @example
   *     class Till extends Actor {
   *       async sell(item: string): Promise<boolean> {
   *         return (await this.ctx.lookup(Store, 'store')?.ask.take(item)) ?? false
   *       }
   *     }
   *     class Store extends Actor {
   *       take(item: string): boolean {
   *         return item === 'apple'
   *       }
   *     }
   *     await using system = await ActorSystem.start({
   *       name: 'shop',
   *       children: [child.actor('store', Store), child.actor('till', Till)],
   *     })
   *     console.log(await system.lookup(Till, 'till')?.ask.sell('apple')) // true
   */
  lookup<A extends Actor>(
    actorClass: abstract new (...args: never[]) => A,
    pathOrName: string,
  ): LocalActorRef<A> | null
  lookup<R extends ChildRef>(
    refClass: abstract new (...args: never[]) => R,
    pathOrName: string,
  ): R | null
  lookup(pathOrName: string): ChildRef | null
  lookup(...args: LookupArguments): ChildRef | null {
    this.#live()
    return lookup(this.#child.runtime, args)
  }

  /**
   * Starts a supervisor as a child of this actor. The supervisor is stopped when this incarnation (the current run of
   * this actor) ends.
   *
   * @throws {TypeError} when an option is unknown or has a wrong type; the message names the option
   * @throws {RangeError} when an option is out of range, or when two children have the same id
   * @throws {TypeError} when the function in the option `children` returns `'ignore'`
   */
  supervise(options: SupervisorOptions & { name?: string }): Promise<SupervisorRef> {
    checkSupervisorObject(options)
    const { name = this.#child.runtime.makeName('supervisor'), ...supervisor } = options
    return this.#supervise(child.supervisor(name, supervisor, { restart: 'temporary' }))
  }

  async #supervise(spec: SupervisorSpec): Promise<SupervisorRef> {
    const child = await this.#live().parts.children().start(spec)
    if (child === null) {
      throw new TypeError(`${spec.id} was not started: its option children returned 'ignore'`)
    }
    return child.ref as SupervisorRef
  }

  /**
   * From now on, `onDown` of this actor is called after each restart of the child at `ref`, and once when that child
   * has ended for good. If `ref` is pinned to one incarnation (run) of the child, `onDown` is called only once, when
   * that incarnation has ended. If the child or that incarnation had already ended before this call, `onDown` is called
   * with the reason `noproc`.
   */
  monitor(ref: ChildRef): Monitor {
    if (!(ref instanceof ChildRef)) {
      throw new TypeError(`ctx.monitor takes the ref of a child, got ${describe(ref)}`)
    }
    return this.#live().parts.monitorsAndLinks().monitor(ref)
  }

  /**
   * Ends a monitor. Messages of the monitor that are already in the mailbox still call `onDown`. But if `flush` is
   * true, these messages are removed.
   */
  demonitor(monitor: Monitor, options: { flush?: boolean } = {}): void {
    this.#live()
      .parts.monitorsAndLinks()
      .demonitor(monitor, options.flush === true)
  }

  /**
   * Links this incarnation (the current run of this actor) to the running incarnation of the actor at `ref`. When one
   * of the two incarnations ends abnormally, the other ends too, unless it has set `trapExit`.
   *
   * If the actor at `ref` does not run, or if `ref` is pinned to an incarnation that has ended, `link` throws. But if
   * this actor has set `trapExit`, `link` does not throw, and `onDown` of this actor is called with the reason
   * `noproc`.
   *
   * @throws {NoProc} when the actor does not run
   */
  link(ref: LocalActorRef<never> | LocalActorRef): void {
    if (!(ref instanceof LocalActorRef)) {
      throw new TypeError(`ctx.link takes the ref of an actor, got ${describe(ref)}`)
    }
    this.#live().parts.monitorsAndLinks().link(ref)
  }

  /**
   * Ends this incarnation with the reason `normal` when the running handler has finished. A permanent actor is then
   * restarted by its supervisor.
   */
  stop(): void {
    this.#live().finish({ kind: 'normal' })
  }

  /**
   * Tells the supervisor that this actor is not needed. The supervisor goes on without the actor. Call this method in
   * `onStart`. The method throws, so the code after the call does not run.
   *
   * @throws {InvalidStateError} when the actor has started
   */
  ignore(): never {
    return this.#live().ignore()
  }

  /**
   * Waits for `awaitable` while the actor handles other messages. When `awaitable` settles, the actor's mailbox gets a
   * message that calls `map` with the value or `onError` with the error. Without `onError`, the actor acts as if a
   * handler had thrown the error, which is usually a crash. If this incarnation (run of the actor) ends first,
   * `awaitable` is cancelled.
   */
  pipe<T>(
    awaitable: Awaitable<T>,
    map: (value: T) => unknown,
    onError?: (error: unknown) => unknown,
  ): void {
    if (typeof map !== 'function') {
      throw new TypeError(`ctx.pipe needs a function for the value, got ${describe(map)}`)
    }
    if (onError !== undefined && typeof onError !== 'function') {
      throw new TypeError(`ctx.pipe needs a function for the error, got ${describe(onError)}`)
    }
    this.#live().parts.pipes().add(ensureFuture(awaitable), map, onError)
  }

  /** Calls `tick` once, after `ms` milliseconds. Like a message, the call waits in the mailbox for its turn. */
  after(ms: number, tick: () => unknown, options?: TimerOptions): ActorTimer {
    return this.#live().parts.timers().start(ms, tick, false, options)
  }

  /**
   * Calls `tick` every `ms` milliseconds. Like a message, each call waits in the mailbox for its turn. A tick is left
   * out while the previous tick is still in the mailbox.
   */
  every(ms: number, tick: () => unknown, options?: TimerOptions): ActorTimer {
    return this.#live().parts.timers().start(ms, tick, true, options)
  }

  /**
   * Sets aside the message that is being handled. A later call of `unstashAll` puts the message back in the mailbox,
   * and its handler is called again. If the message is an ask, its sender gets the result of the later call of the
   * handler, and not of this call.
   *
   * @throws {StashFull} when the stash is full
   * @throws {InvalidStateError} outside of a handler, or after `ctx.reply()`
   */
  stash(): void {
    this.#live().parts.stashAndReplies().stash()
  }

  /** Puts the stashed messages back at the front of the mailbox, oldest first. */
  unstashAll(): void {
    this.#live().parts.stashAndReplies().unstashAll()
  }

  /**
   * From the next message on, the functions in `behaviour` replace the methods of the same names. `null` restores the
   * methods.
   */
  become(behaviour: Record<string, (...args: never[]) => unknown> | null): void {
    if (typeof behaviour !== 'object') {
      throw new TypeError(
        `ctx.become takes an object of functions or null, got ${describe(behaviour)}`,
      )
    }
    this.#live().messageLoop.behaviour = behaviour
  }

  /**
   * Returns a ReplyPort, with which the current message can be answered later, or by other code. The result of the
   * handler is then no longer the answer. The handler may still return the port, so that TypeScript knows the type of
   * the answer. If the message is a tell, the answer is ignored.
   *
   * @throws {InvalidStateError} outside of a handler, or after `ctx.stash()`
   */
  reply<T>(): ReplyPort<T> {
    return this.#live().parts.stashAndReplies().takeReply()
  }

  /**
   * Tells the supervisor that this actor works well. The wait before its next restart, which grows with each restart,
   * is then as short as before the first restart. Without this call, the actor must first run for the time `resetAfter`
   * of the supervisor's option `backoff`.
   */
  healthy(): void {
    this.#live().child.healthy()
  }

  /** Returns `ref.tell`. Throws StaleIncarnation after this incarnation (run of the actor) has ended. */
  tell<A extends Actor>(ref: LocalActorRef<A>): Tells<A> {
    this.#live()
    return ref.tell
  }

  /** Returns `ref.ask(options)`. Throws StaleIncarnation after this incarnation (run of the actor) has ended. */
  ask<A extends Actor>(ref: LocalActorRef<A>, options: AskOptions = {}): Asks<A> {
    this.#live()
    return ref.ask(options)
  }
}

function refOrStopped<A extends Actor>(child: ActorChild | null, name: string): LocalActorRef<A> {
  if (child === null) throw new TypeError(`${name} said in onStart that it is not needed`)
  return child.ref as unknown as LocalActorRef<A>
}
