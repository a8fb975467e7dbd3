import type { ChildSpec } from './child-spec.ts'
import type { Home } from './home.ts'
import type { ChildKind, Owner, Slot } from './slot.ts'

type Maker = (spec: ChildSpec, owner: Owner, home: Home) => Slot

const makers = new Map<ChildKind, Maker>()

/** Supervisors start actors, and actors start supervisors: neither module can import the other. */
export function registerKind(kind: ChildKind, maker: Maker): void {
  makers.set(kind, maker)
}

export function makeSlot(spec: ChildSpec, owner: Owner, home: Home): Slot {
  return (makers.get(spec.kind) as Maker)(spec, owner, home)
}
