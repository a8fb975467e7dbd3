import { Future } from '@tasktree/core'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import type { Actor } from '../actors/actor.ts'
import type { LocalActorRef } from '../actors/local-actor-ref.ts'
import { ChildRef } from '../children/child-ref.ts'
import { deleteChild, restartChild, startChild, stopChild } from './child-requests.ts'
import {
  type ActorSpec,
  type ChildSpec,
  type ResourceSpec,
  type RestartType,
} from '../children/child-spec.ts'
import { checkClass, type LookupClass } from '../children/lookup.ts'
import { checkNumber } from '../children/check-spec.ts'
import { ChildStateError, NoProc } from '../errors.ts'
import type { ExitReason } from '../exit-reason.ts'
import type { ResourceRef } from '../children/resource.ts'
import type { ChildKind, ChildStatus } from '../children/child.ts'
import type { SupervisorIncarnation } from './supervisor.ts'
import type { SupervisorChild } from './supervisor-child.ts'

/** The entry for one child in the result of `whichChildren`. */
export interface ChildInfo {
  readonly id: string
  readonly kind: ChildKind
  readonly status: ChildStatus
  readonly restart: RestartType
  readonly incarnation: number
  readonly restarts: number
  readonly ref: ChildRef
}

export interface ChildCounts {
  /** How many children the supervisor has, running or not. */
  readonly specs: number
  /** How many children run, including those that are starting or stopping. */
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

/** The type of the ref that `startChild` returns for a spec of type `S`. */
export type RefOf<S extends ChildSpec> =
  S extends ActorSpec<infer A extends Actor>
    ? LocalActorRef<A>
    : S extends ResourceSpec<infer R>
      ? ResourceRef<R>
      : S extends { kind: 'supervisor' | 'dynamic' }
        ? SupervisorRef
        : ChildRef

/**
 * The address of a supervisor. The supervisor performs the requests of all callers one after the other.
 *
 * @example
 *     await using system = await ActorSystem.start({ name: 'app' })
 *     const { root } = system
 *     const poller = await root.startChild(child.task('poller', () => sleepForever()))
 *     await root.restartChild('poller').catch(() => {}) // refused, because it runs
 *     console.log(root.countChildren().active, poller.status) // 1 running
 *     await root.stopChild('poller')
 */
export class SupervisorRef extends ChildRef {
  /** @internal the supervisor that this ref is the address of */
  declare readonly target: SupervisorChild

  #do<T>(work: (incarnation: SupervisorIncarnation) => Future<T>): Future<T> {
    const { incarnation } = this.target
    if (incarnation !== null) return work(incarnation)
    const refused = new Future<T>({ loop: this.target.runtime.loop })
    refused.setException(new NoProc(this.path))
    return refused
  }

  /**
   * Starts a child. The returned future has the ref of the child when the start has finished. If the caller is
   * cancelled before that, the child is stopped and removed again. For a dynamic supervisor with a template, pass the
   * arguments of the template.
   *
   * @throws {AlreadyStarted} when a child with that id is running
   * @throws {AlreadyPresent} when a child with that id exists and does not run
   * @throws {TooManyChildren} when the supervisor already has `maxChildren` children
   * @throws {SupervisorStopping} when the supervisor is stopping
   * @throws {NoProc} while the supervisor itself does not run
   */
  startChild<S extends ChildSpec>(spec: S): Future<RefOf<S>>
  startChild<R extends { readonly path: string } = ChildRef>(...args: unknown[]): Future<R>
  startChild(...args: unknown[]): Future<ChildRef> {
    const { spec } = this.target
    const template = spec.kind === 'dynamic' ? spec.options.template : undefined
    const childSpec = template === undefined ? args[0] : template(...(args as never[]))
    return this.#do((incarnation) => startChild(incarnation, childSpec as ChildSpec))
  }

  /**
   * Stops a child. If the child waits for a restart, that restart is cancelled. A temporary child, or a child of a
   * dynamic supervisor, is removed. Any other child stays stopped until `restartChild`, or a restart of its group (see
   * the option `stickyStop`), starts it again. A child that has not ended after `options.shutdown` milliseconds is
   * killed. If the option `shutdown` in the spec of the child is a shorter time, the shorter time counts.
   *
   * @throws {TypeError} when `shutdown` is not a number
   * @throws {ChildStateError} when there is no such child
   */
  stopChild(id: string, options: { shutdown?: number } = {}): Future<ExitReason> {
    checkOptions(options)
    checkNumber('shutdown', options.shutdown, -Infinity, false)
    return this.#do((incarnation) => stopChild(incarnation, id, options.shutdown))
  }

  /**
   * Starts a stopped child again. This start is not one of the restarts that `maxRestarts` limits.
   *
   * @throws {ChildStateError} when the child runs, or waits for its restart
   */
  restartChild(id: string): Future<ChildRef> {
    return this.#do((incarnation) => restartChild(incarnation, id))
  }

  /** Removes a stopped child. @throws {ChildStateError} when the child runs, or waits for its restart */
  deleteChild(id: string): Future<void> {
    return this.#do((incarnation) => deleteChild(incarnation, id))
  }

  /**
   * Returns the children in the order of their start. Returns at once, even while the supervisor is starting or
   * stopping a child.
   */
  whichChildren(): ChildInfo[] {
    const members = this.target.incarnation?.members ?? []
    return members.map(({ child }) => ({
      id: child.id,
      kind: child.kind,
      status: child.status,
      restart: child.spec.restart,
      incarnation: child.number,
      restarts: child.restarts,
      ref: child.ref,
    }))
  }

  countChildren(): ChildCounts {
    const children = this.whichChildren()
    const supervisors = children.filter((each) => isSupervisor(each.kind)).length
    const active = children.filter(
      (each) => each.status !== 'stopped' && each.status !== 'restarting',
    )
    return {
      specs: children.length,
      active: active.length,
      supervisors,
      workers: children.length - supervisors,
    }
  }

  /** Returns the spec of a child. @throws {ChildStateError} when there is no such child */
  getSpec(id: string): ChildSpec {
    const child = this.target.incarnation?.find(id) ?? null
    if (child === null) throw new ChildStateError(id, 'not-found', 'getSpec')
    return child.spec
  }

  /**
   * Returns the ref of a child; null when there is no child with that id. If the caller passes an actor class, the ref
   * is a LocalActorRef of that class. If the caller passes a ref class (SupervisorRef, ResourceRef), the ref has that
   * class.
   *
   * @throws {TypeError} when the actor or the ref has another class than the caller expects
   */
  child<A extends Actor>(
    id: string,
    actorClass: abstract new (...args: never[]) => A,
  ): LocalActorRef<A> | null
  child<R extends ChildRef>(id: string, refClass: abstract new (...args: never[]) => R): R | null
  child(id: string): ChildRef | null
  child(id: string, expected?: LookupClass): ChildRef | null {
    if (expected !== undefined && typeof expected !== 'function') {
      throw new TypeError(`child takes a class after the id, got ${describe(expected)}`)
    }
    const ref = this.target.incarnation?.find(id)?.ref ?? null
    return expected === undefined ? ref : checkClass(ref, expected)
  }
}

function isSupervisor(kind: ChildKind): boolean {
  return kind === 'supervisor' || kind === 'dynamic'
}
