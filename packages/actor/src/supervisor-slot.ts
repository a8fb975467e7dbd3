import type { ChildRef } from './child-ref.ts'
import type { DynamicSpec, SupervisorSpec } from './child-spec.ts'
import { registerKind } from './make-slot.ts'
import { type Owner, Slot } from './slot.ts'
import { SupervisorRun } from './supervisor.ts'
import { SupervisorRef } from './supervisor-ref.ts'

/** A supervisor over all its incarnations. The children of its specs keep their slots, and so their refs stay valid. */
export class SupervisorSlot extends Slot {
  readonly kind: 'supervisor' | 'dynamic'
  declare spec: SupervisorSpec | DynamicSpec
  declare run: SupervisorRun | null
  readonly childSlots: Map<string, Slot> = new Map()

  constructor(spec: SupervisorSpec | DynamicSpec, owner: Owner, home: Slot['home']) {
    super(spec, owner, home)
    this.kind = spec.kind
  }

  protected override makeRef(): ChildRef {
    return new SupervisorRef(this)
  }

  protected override makeRun(number: number): SupervisorRun {
    return new SupervisorRun(this, number)
  }
}

for (const kind of ['supervisor', 'dynamic'] as const) {
  registerKind(
    kind,
    (spec, owner, home) => new SupervisorSlot(spec as SupervisorSpec | DynamicSpec, owner, home),
  )
}
