import { Future, getEventLoop, isCancelled } from '@tasktree/core'
import type { Broadcast } from '@tasktree/sync'
import {
  addSnapshotPart,
  checkOptions,
  currentFrame,
  describe,
  LiveList,
  observe,
  waitAnyway,
} from '@tasktree/core/lowlevel'
import type { Actor } from '../actors/actor.ts'
import type { LocalActorRef } from '../actors/local-actor-ref.ts'
import type { ChildRef } from '../children/child-ref.ts'
import { checkNumber } from '../children/check-spec.ts'
import { child, type SupervisorOptions } from '../children/child-spec.ts'
import { descend, lookup, type LookupArguments } from '../children/lookup.ts'
import type { DeadLetters } from '../messages/dead-letters.ts'
import type { SystemEvent } from '../runtime/events.ts'
import { type ExitReason, formatReason, shutdown } from '../exit-reason.ts'
import { Runtime } from '../runtime/runtime.ts'
import {
  checkLogger,
  consoleLogger,
  Log,
  type Logger,
  type StructuredLogger,
} from '../runtime/logger.ts'
import type { Group } from '../runtime/registry.ts'
import { unwatchRejections, watchRejections } from '../runtime/rejections.ts'
import type { Incarnation } from '../children/incarnation.ts'
import type { Owner, Child } from '../children/child.ts'
import { SupervisorChild } from '../supervision/supervisor-child.ts'
import type { SupervisorRef } from '../supervision/supervisor-ref.ts'
import { formatTree, type NodeSnapshot, snapshotOf } from './tree-snapshot.ts'

export interface ActorSystemOptions extends SupervisorOptions {
  /** The name of the system, which is the first part of every path. */
  name: string
  /**
   * How long the whole system may take to stop, in milliseconds. After that time the children that still run are
   * killed.
   * @defaultValue 30000
   */
  shutdownTimeout?: number
  /**
   * The logger that gets warnings and errors. A Logger gets one line of text, and the error if there is one. A
   * StructuredLogger, such as pino, also gets an object of fields.
   * @defaultValue the console
   */
  logger?: Logger | StructuredLogger
  /**
   * What happens when a promise that an actor's code made rejects, and no code handles the rejection. If true, the log
   * and an event report the rejection with the path of the actor. If false, the rejection may end the process.
   * @defaultValue false
   */
  attributeRejections?: boolean
}

/** The state of an ActorSystem at one moment, as plain data. */
export interface SystemSnapshot {
  readonly name: string
  /** When the snapshot was taken, in milliseconds of the event loop's clock. */
  readonly time: number
  readonly root: NodeSnapshot
  readonly deadLetters: number
  readonly lateReplies: number
  readonly names: Readonly<Record<string, string>>
  readonly groups: Readonly<Record<string, readonly string[]>>
}

/**
 * Takes the place of the parent for the root supervisor, which has no supervisor above it. The root supervisor is never
 * restarted: when it ends, the system ends.
 */
class Top implements Owner {
  readonly path = ''
  readonly ownRef: ChildRef | null = null
  readonly #ended: (reason: ExitReason) => void

  constructor(ended: (reason: ExitReason) => void) {
    this.#ended = ended
  }

  endRestart(): void {}

  childExited(child: Child, _incarnation: Incarnation, reason: ExitReason): void {
    child.close(reason)
    this.#ended(reason)
  }
}

const systems = new LiveList<ActorSystem>((system) => !system.hasEnded)
addSnapshotPart('actors', () => systems.list().map((system) => system.snapshot()))

/**
 * A tree of supervised children (actors, tasks, resources and supervisors) with names, groups, events and dead letters
 * (dropped messages). A system runs on the event loop on which it was started. A system that was started inside `run`
 * (of `@tasktree/core`) is stopped when the main task of `run` ends.
 *
 * @example
 *     class Clerk extends Actor {
 *       greet(name: string): string {
 *         return `hello ${name}`
 *       }
 *     }
 *     await using system = await ActorSystem.start({
 *       name: 'office',
 *       children: [child.actor('clerk', Clerk)],
 *     })
 *     console.log(await system.lookup(Clerk, 'clerk')?.ask.greet('Ada')) // hello Ada
 */
export class ActorSystem implements AsyncDisposable {
  /** @internal the class name that users see; without this field, a bundler may rename the class to `_ActorSystem` */
  static readonly name: string = 'ActorSystem'

  readonly name: string
  readonly #runtime: Runtime
  readonly #root: SupervisorChild
  readonly #shutdownTimeout: number
  readonly #waiters = new Set<Future<void>>()
  readonly #attributeRejections: boolean
  #end: ExitReason | null = null

  /** @internal use ActorSystem.start */
  constructor(options: ActorSystemOptions) {
    const {
      name,
      shutdownTimeout = 30_000,
      logger = consoleLogger,
      attributeRejections = false,
      ...supervisor
    } = options
    checkLogger(logger)
    checkNumber('shutdownTimeout', shutdownTimeout, -Infinity, false)
    this.name = name
    this.#shutdownTimeout = shutdownTimeout
    this.#runtime = new Runtime(getEventLoop(), new Log(logger))
    this.#attributeRejections = attributeRejections
    const spec = child.supervisor(name, supervisor, { restart: 'temporary' })
    const top = new Top((reason) => this.#ended(reason))
    this.#root = new SupervisorChild(spec, top, this.#runtime)
    this.#runtime.find = (path) => this.#find(path)
    systems.add(this)
  }

  /**
   * Makes a system and starts its children, one after the other. The returned promise resolves with the system when all
   * children have started.
   *
   * @throws {FailedToStart} when a child did not start; the children before it have been stopped
   * @throws {TypeError} when an option is unknown or has a wrong type; the message names the option
   * @throws {RangeError} when an option is out of range, or when two children have the same id
   */
  static start(options: ActorSystemOptions): Promise<ActorSystem> {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`ActorSystem.start takes an object of options, got ${describe(options)}`)
    }
    return new ActorSystem(options).#start()
  }

  async #start(): Promise<this> {
    if (this.#attributeRejections) watchRejections(this.#runtime)
    try {
      const outcome = await this.#root.launch()
      if (outcome === 'ignored') {
        this.#root.close({ kind: 'normal' })
        this.#ended({ kind: 'normal' })
      }
    } catch (error) {
      this.#root.close({ kind: 'error', error })
      unwatchRejections(this.#runtime)
      throw error
    }
    return this
  }

  /** The supervisor at the root of the tree. */
  get root(): SupervisorRef {
    return this.#root.ref as SupervisorRef
  }

  /**
   * Returns the ref of a child. `pathOrName` is the path of the child, with or without the system's name in front, or a
   * name that was registered for the child. Returns null when there is no such child. If the caller passes an actor
   * class or a ref class (SupervisorRef, ResourceRef), the ref has that type.
   *
   * @throws {TypeError} when the child has another class
   */
  lookup<A extends Actor>(
    actorClass: abstract new (...args: never[]) => A,
    pathOrName: string,
  ): LocalActorRef<A> | null
  lookup<R extends ChildRef>(
    refClass: abstract new (...args: never[]) => R,
    pathOrName: string,
  ): R | null
  lookup<R extends { readonly path: string } = ChildRef>(pathOrName: string): R | null
  lookup(...args: LookupArguments): ChildRef | null {
    return lookup(this.#runtime, args)
  }

  /** Returns the child at a path, with or without the system's name in front; null when no child has that path. */
  #find(path: readonly string[]): Child | null {
    const [name, ...rest] = path
    if (name === undefined) return null
    return descend(this.#root, path) ?? (name === this.name ? descend(this.#root, rest) : null)
  }

  /**
   * Gives a child a name, which `lookup` finds. The name is free again when the child ends for good. If `ref` is pinned
   * to the running incarnation (reaches only this run of the child), or if code of the child itself makes this call,
   * the name is free again when the running incarnation ends.
   *
   * @throws {NameTaken} when another child has the name
   * @throws {NoProc} when the child has ended for good, or `ref` is pinned to an incarnation that has ended
   */
  register(name: string, ref: ChildRef): void {
    this.#runtime.registry.register(name, ref)
  }

  /** Removes a name that was registered for a child. Returns false when no child has the name. */
  unregister(name: string): boolean {
    return this.#runtime.registry.unregister(name)
  }

  /** Returns the group (set of children) with that name. The group is created when it is first used. */
  group(name: string): Group {
    return this.#runtime.registry.group(name)
  }

  /**
   * The events of the system, as a stream that is closed when the system has ended. A subscriber that is more than 1000
   * events behind loses the oldest events.
   */
  get events(): Broadcast<SystemEvent> {
    return this.#runtime.events
  }

  get deadLetters(): DeadLetters {
    return this.#runtime.deadLetters
  }

  /** How many answers came too late, because the ask had already ended, for example by its timeout or a cancel. */
  get lateReplies(): number {
    return this.#runtime.lateReplies
  }

  /** @internal whether the root supervisor has ended */
  get hasEnded(): boolean {
    return this.#end !== null
  }

  /** Returns the state of the whole system as plain data. */
  snapshot(): SystemSnapshot {
    const { registry, deadLetters, lateReplies, loop } = this.#runtime
    return {
      name: this.name,
      time: loop.time(),
      root: snapshotOf(this.#root),
      deadLetters: deadLetters.count,
      lateReplies,
      names: Object.fromEntries(registry.names().map(([name, ref]) => [name, ref.path])),
      groups: Object.fromEntries(
        registry.groups().map((each) => [each.name, each.members.map((ref) => ref.path)]),
      ),
    }
  }

  /** Returns the state of the whole system as text, with one line for each child. */
  tree(): string {
    return formatTree(snapshotOf(this.#root))
  }

  /**
   * Stops the children, by default in the reverse order of their start (see the option `stopMode`). Each child may take
   * the time that the option `shutdown` of its spec sets, and all children together may take `timeout` milliseconds, by
   * default `shutdownTimeout`. Children that still run after that are killed. The returned promise resolves when no
   * child runs. A second call may shorten the time.
   *
   * If the task that awaits this call is cancelled, the call throws the CancelledError, and the system continues to
   * stop. Inside a cancelled cancel scope (a scope whose every await throws after its cancel), the call waits until no
   * child runs, and then throws.
   *
   * @throws {TypeError} when `timeout` is not a number
   */
  stop(options: { timeout?: number } = {}): Promise<void> {
    checkOptions(options)
    checkNumber('timeout', options.timeout, -Infinity, false)
    return this.#stop(options.timeout ?? this.#shutdownTimeout)
  }

  async #stop(timeout: number): Promise<void> {
    const { incarnation } = this.#root
    if (incarnation === null) return
    incarnation.stopBy(shutdown, this.#runtime.loop.time() + timeout)
    try {
      await incarnation.whenOver()
    } catch (error) {
      if (currentFrame()?.isLevelCancelled() === true) {
        await waitAnyway(() => incarnation.whenOver())
      }
      throw error
    }
  }

  /**
   * A future that resolves when the system has ended. If the system has ended because of an error, the future rejects
   * with that error: with RestartLimitError if a child needed too many restarts.
   */
  get done(): Future<void> {
    const done = new Future<void>({ loop: this.#runtime.loop })
    if (this.#end !== null) {
      settle(done, this.#end)
      return done
    }
    this.#waiters.add(done)
    // A cancelled future must not stay in the set: code may wait for `done` again and again, each time with a timeout.
    observe(done, () => this.#waiters.delete(done))
    return done
  }

  #ended(reason: ExitReason): void {
    this.#end = reason
    const waiters = [...this.#waiters].filter((each) => !each.done())
    if (reason.kind === 'error' && waiters.length === 0) {
      this.#runtime.log.report(
        'error',
        `${this.name} has ended: ${formatReason(reason)}`,
        { event: 'system-ended', path: `/${this.name}` },
        reason.error,
      )
    }
    for (const each of waiters) settle(each, reason)
    this.#waiters.clear()
    this.#runtime.events.close()
    unwatchRejections(this.#runtime)
  }

  /**
   * Stops the system, as `stop` does. If the task that awaits this call is cancelled, the call still waits until the
   * last child has ended, and then throws the CancelledError.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop()
    } catch (error) {
      const { incarnation } = this.#root
      if (isCancelled(error) && incarnation !== null) {
        await waitAnyway(() => incarnation.whenOver())
      }
      throw error
    }
  }
}

function settle(done: Future<void>, reason: ExitReason): void {
  if (reason.kind === 'error') done.setException(reason.error)
  else done.setResult()
}
