import { RuntimeError } from '@tasktree/core'
import type { ChildRef } from './child-ref.ts'
import type { ChildSpec } from './child-spec.ts'
import { AlreadyStarted } from './errors.ts'
import { type ExitReason, formatReason, shutdown } from './exit-reason.ts'
import type { Home } from './home.ts'
import { makeSlot } from './make-slot.ts'
import { budgetOf, type Run } from './run.ts'
import type { Owner, Slot } from './slot.ts'

/**
 * Children without a supervisor: what an actor spawned itself, and actors outside of every system. None is
 * started again; a failure is logged.
 */
export class Nursery implements Owner {
  readonly path: string
  readonly ownRef: ChildRef | null
  readonly #home: Home
  readonly #slots = new Map<string, Slot>()
  #closed = false

  constructor(path: string, ownRef: ChildRef | null, home: Home) {
    this.path = path
    this.ownRef = ownRef
    this.#home = home
  }

  get slots(): Slot[] {
    return [...this.#slots.values()]
  }

  find(id: string): Slot | null {
    return this.#slots.get(id) ?? null
  }

  /** @throws {AlreadyStarted} @throws what its start throws */
  async start(spec: ChildSpec): Promise<Slot | null> {
    if (this.#closed) throw new RuntimeError(`${this.path} is stopping: it starts no children`)
    const holder = this.#slots.get(spec.id)
    if (holder !== undefined) throw new AlreadyStarted(spec.id, holder.ref)
    const slot = makeSlot(spec, this, this.#home)
    this.#slots.set(spec.id, slot)
    try {
      if ((await slot.launch()) === 'running') return slot
    } catch (error) {
      this.#slots.delete(spec.id)
      slot.close({ kind: 'error', error })
      throw error
    }
    this.#slots.delete(spec.id)
    slot.close({ kind: 'normal' })
    return null
  }

  childExited(slot: Slot, _run: Run, reason: ExitReason): void {
    this.#slots.delete(slot.id)
    // The others have said so themselves.
    if (reason.kind === 'error' && slot.kind === 'supervisor') {
      this.#home.log.error(`${slot.path} crashed: ${formatReason(reason)}`, reason.error)
    }
    slot.close(reason)
  }

  /** Stops them, the last first. */
  async stopAll(deadline: number): Promise<void> {
    this.#closed = true
    for (const slot of this.slots.toReversed()) {
      const { run } = slot
      if (run === null) continue
      slot.refuseAsks(shutdown)
      slot.status = 'stopping'
      const own = this.#home.loop.time() + budgetOf(slot)
      run.stopBy(shutdown, Math.min(own, deadline))
      await run.whenOver()
    }
  }

  killAll(): void {
    this.#closed = true
    for (const slot of this.slots) slot.run?.kill()
  }
}
