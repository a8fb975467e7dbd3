import { Broadcast, type Subscription } from '@tasktree/sync'
import { describe } from '@tasktree/core/lowlevel'
import type { ChildRef } from '../children/child-ref.ts'
import { NameTaken, NoProc } from '../errors.ts'
import type { Child } from '../children/child.ts'

export interface GroupEvent {
  readonly type: 'joined' | 'left'
  readonly ref: ChildRef
}

/** A ref that has a name or is a member of a group, until its child ends. */
interface Entry {
  readonly ref: ChildRef
  /** Called when the name or membership is removed before the child ends, so that its end does not remove a later one. */
  readonly forget: () => void
}

/**
 * A set of children under one name. A child leaves the group when it ends for good. A child that its own code has added
 * to the group leaves earlier: when the incarnation (run of the child) that added it ends.
 *
 * @example
 *     class Clerk extends Actor {}
 *     await using system = await ActorSystem.start({ name: 'office' })
 *     const clerks = system.group('clerks')
 *     const ref = await system.root.startChild(child.actor('clerk-1', Clerk))
 *     clerks.join(ref)
 *     console.log(clerks.members.map(({ name }) => name)) // [ 'clerk-1' ]
 */
export class Group {
  readonly name: string
  readonly #members = new Map<Child, Entry>()
  readonly #stream = new Broadcast<GroupEvent>({ lag: 'drop-oldest', capacity: 1000 })

  /** @internal use system.group(name) */
  constructor(name: string) {
    this.name = name
  }

  get members(): readonly ChildRef[] {
    return [...this.#members.values()].map(({ ref }) => ref)
  }

  /**
   * Adds a child to the group. Returns false when the child is a member already, is stopping, or has stopped. If `ref`
   * is pinned to an incarnation (reaches only one run of the child), the child leaves the group when that incarnation
   * ends.
   */
  join(ref: ChildRef): boolean {
    checkRef('join', ref)
    const { target: child } = ref
    const isEnding = ref.isStale || child.closing || child.closed || child.status === 'stopping'
    if (isEnding || this.#members.has(child)) return false
    const forget = child.undoLater(ref, () => this.#remove(ref))
    this.#members.set(child, { ref, forget })
    void this.#stream.publish({ type: 'joined', ref })
    return true
  }

  /**
   * Removes a child from the group. Returns false when the child is not a member, or when `ref` is pinned to an
   * incarnation (reaches only one run of the child) that has ended.
   */
  leave(ref: ChildRef): boolean {
    checkRef('leave', ref)
    return !ref.isStale && this.#remove(ref)
  }

  #remove(ref: ChildRef): boolean {
    const entry = this.#members.get(ref.target)
    if (entry === undefined) return false
    this.#members.delete(ref.target)
    entry.forget()
    void this.#stream.publish({ type: 'left', ref })
    return true
  }

  /** Returns a subscription to the events of the group: each child that joins or leaves from now on. */
  watch(): Subscription<GroupEvent> {
    return this.#stream.subscribe()
  }
}

/** @throws {TypeError} when `name` is not a string, or is empty */
function checkName(name: unknown): void {
  if (typeof name === 'string' && name !== '') return
  throw new TypeError(`a name must be a string that is not empty, got ${describe(name)}`)
}

/** @throws {TypeError} when `ref`, the argument of the method `call`, is not the ref of a child */
function checkRef(call: string, ref: unknown): void {
  if (typeof ref === 'object' && ref !== null && 'target' in ref && 'isStale' in ref) return
  throw new TypeError(`${call} takes the ref of a child, got ${describe(ref)}`)
}

/** The registered names and the groups of one system. */
export class Registry {
  readonly #names = new Map<string, Entry>()
  readonly #groups = new Map<string, Group>()

  lookup(name: string): ChildRef | null {
    return this.#names.get(name)?.ref ?? null
  }

  names(): [string, ChildRef][] {
    return [...this.#names].map(([name, { ref }]) => [name, ref])
  }

  groups(): Group[] {
    return [...this.#groups.values()]
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
    checkName(name)
    checkRef('register', ref)
    const holder = this.#names.get(name)
    if (holder !== undefined && holder.ref.target !== ref.target) {
      throw new NameTaken(name, holder.ref.path)
    }
    // The name of a child that has ended for good would never become free again.
    if (ref.isStale || ref.target.closed) throw new NoProc(ref.path)
    holder?.forget()
    const forget = ref.target.undoLater(ref, () => this.unregister(name))
    this.#names.set(name, { ref, forget })
  }

  unregister(name: string): boolean {
    this.#names.get(name)?.forget()
    return this.#names.delete(name)
  }

  group(name: string): Group {
    checkName(name)
    let group = this.#groups.get(name)
    if (group === undefined) {
      group = new Group(name)
      this.#groups.set(name, group)
    }
    return group
  }
}
