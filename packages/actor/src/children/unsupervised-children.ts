import { RuntimeError } from '@tasktree/core'
import type { ChildRef } from './child-ref.ts'
import type { ChildSpec } from './child-spec.ts'
import { AlreadyStarted } from '../errors.ts'
import { type ExitReason, shutdown } from '../exit-reason.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { reportEnd } from './crash-report.ts'
import { makeChild } from './child-kinds.ts'
import { budgetOf, type Incarnation, PatientWait } from './incarnation.ts'
import type { Owner, Child } from './child.ts'

/**
 * Owns children that have no supervisor: the children that an actor has started with its context, and the actors that
 * `spawn` has started outside of every system. Such a child is not restarted when it crashes; the crash is logged.
 */
export class UnsupervisedChildren implements Owner {
  readonly path: string
  readonly ownRef: ChildRef | null
  readonly #runtime: Runtime
  readonly #children = new Map<string, Child>()
  #closed = false

  constructor(path: string, ownRef: ChildRef | null, runtime: Runtime) {
    this.path = path
    this.ownRef = ownRef
    this.#runtime = runtime
  }

  get children(): Child[] {
    return [...this.#children.values()]
  }

  find(id: string): Child | null {
    return this.#children.get(id) ?? null
  }

  /**
   * Starts a child and returns it. Returns null when the child has called `ctx.ignore()` while it started, or when it is
   * a supervisor whose function in the option `children` has returned `'ignore'`.
   *
   * @throws {RuntimeError} when the owner of the children is stopping
   * @throws {AlreadyStarted} when a child with this id exists
   * @throws the error with which the start of the child has failed
   */
  async start(spec: ChildSpec): Promise<Child | null> {
    if (this.#closed) throw new RuntimeError(`${this.path} is stopping: it starts no children`)
    const holder = this.#children.get(spec.id)
    if (holder !== undefined) throw new AlreadyStarted(spec.id, holder.ref)
    const child = makeChild(spec, this, this.#runtime)
    this.#children.set(spec.id, child)
    try {
      if ((await child.launch()) === 'running') return child
    } catch (error) {
      this.#children.delete(spec.id)
      child.close({ kind: 'error', error })
      throw error
    }
    this.#children.delete(spec.id)
    child.close({ kind: 'normal' })
    return null
  }

  childExited(child: Child, incarnation: Incarnation, reason: ExitReason): void {
    this.#children.delete(child.id)
    reportEnd(child, incarnation, reason, 'it is not started again')
    child.close(reason)
  }

  endRestart(): void {}

  /**
   * Called when the owner of the children (the actor that has started them) ends. Every later call of `start` fails.
   */
  close(): void {
    this.#closed = true
  }

  /**
   * Stops the children one after the other, in the reverse order of their start. A child that takes longer than its
   * option `shutdown` allows, or that still runs at `deadline`, is killed. If the calling task is cancelled, all
   * children are killed, and the caller still waits for their end.
   */
  async stopAll(deadline: number): Promise<void> {
    this.close()
    for (const child of this.children.toReversed()) {
      const { incarnation } = child
      if (incarnation === null) continue
      child.refuseAsks(shutdown)
      child.status = 'stopping'
      const own = this.#runtime.loop.time() + budgetOf(child)
      incarnation.stopBy(shutdown, Math.min(own, deadline))
      const wait = new PatientWait(incarnation, () => {
        this.killAll()
        return true
      })
      await incarnation.whenOverAtLast(wait)
    }
  }

  killAll(): void {
    this.close()
    for (const child of this.children) child.incarnation?.kill()
  }
}
