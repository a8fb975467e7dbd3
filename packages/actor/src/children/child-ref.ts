import type { Future } from '@tasktree/core'
import { checkOptions } from '@tasktree/core/lowlevel'
import { checkNumber } from './check-spec.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { ChildKind, ChildStatus, Child } from './child.ts'

/** The key of the method that the console of Node, Bun and Deno calls to show an object. */
const shownInConsole: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/**
 * The address of a child of any kind: an actor, a task, a supervisor or a resource. The address stays valid when the
 * child is restarted.
 *
 * @example
 *     await using system = await ActorSystem.start({
 *       name: 'app',
 *       children: [child.task('heartbeat', () => sleepForever())],
 *     })
 *     const heartbeat = system.lookup<ChildRef>('heartbeat')
 *     console.log(heartbeat?.kind, heartbeat?.status) // task running
 *     console.log((await heartbeat?.stop())?.kind) // shutdown
 */
export class ChildRef {
  /** @internal the child that this ref is the address of */
  readonly target: Child

  /** @internal refs come from spawn, startChild and lookup */
  constructor(target: Child) {
    this.target = target
  }

  get id(): string {
    return this.target.id
  }

  /** The path of the child in its tree: `/system/supervisor/child`. */
  get path(): string {
    return this.target.path
  }

  /** The last part of the path. */
  get name(): string {
    return this.target.id
  }

  get kind(): ChildKind {
    return this.target.kind
  }

  /**
   * The number of the latest incarnation (run) of the child: 0 before the first start, and 1 more with each start, even
   * if the start fails.
   */
  get incarnation(): number {
    return this.target.number
  }

  get status(): ChildStatus {
    return this.isStale ? 'stopped' : this.target.status
  }

  /**
   * @internal the number of the only incarnation that this ref may reach; 0 if this ref also reaches later incarnations
   */
  get pinnedTo(): number {
    return 0
  }

  /** @internal true if this ref is pinned to one incarnation, and that incarnation has ended */
  get isStale(): boolean {
    const { pinnedTo, target } = this
    return pinnedTo !== 0 && (pinnedTo !== target.number || target.incarnation === null)
  }

  /**
   * Asks the running incarnation (run of the child) to end with the reason `shutdown`. If the child is an actor, its
   * running handlers finish first, and this incarnation handles no other message of the mailbox. If the incarnation has
   * not ended after `timeout` milliseconds, it is killed. The default of `timeout` is the time of the child's option
   * `shutdown`, or 5000 if that option is 'kill'. The returned future settles when the incarnation has ended.
   *
   * A permanent child is then restarted: to end it for good, use `stopChild` of its supervisor. A transient or temporary
   * child is not restarted, even if it crashes or is killed before it has ended. If it waits for a restart, `stop`
   * cancels that restart. Does nothing if the ref is pinned to an incarnation that has ended.
   *
   * @throws {TypeError} when `timeout` is not a number
   */
  stop(detail?: unknown, options?: { timeout?: number }): Future<ExitReason> {
    checkOptions(options)
    checkNumber('timeout', options?.timeout, -Infinity, false)
    return this.isStale ? this.whenStopped : this.target.stop(detail, options)
  }

  /**
   * Ends the running incarnation (run of the child) now, without its `onStop`. The task of the incarnation is
   * cancelled. Code that does not end when it is cancelled runs on, but the child does not wait for it. A permanent
   * child is then restarted, and so is a transient child, unless `stop` was called before. Does nothing if the ref is
   * pinned to an incarnation that has ended.
   */
  kill(): Future<ExitReason> {
    return this.isStale ? this.whenStopped : this.target.kill()
  }

  /**
   * Settles when the child has ended and will not be restarted. If the ref is pinned to one incarnation (run) of the
   * child, settles when that incarnation has ended.
   */
  get whenStopped(): Future<ExitReason> {
    return this.target.whenStopped(this.pinnedTo)
  }

  /**
   * @internal returns the text that the console shows for this ref:
   * `LocalActorRef /system/child (running, incarnation 2)`
   */
  [shownInConsole](): string {
    const { name } = this.constructor
    return `${name} ${this.path} (${this.status}, incarnation ${this.incarnation})`
  }

  /** @internal returns what JSON has for this ref, such as in a line of a log: the text that the console shows */
  toJSON(): string {
    return this[shownInConsole]()
  }
}
