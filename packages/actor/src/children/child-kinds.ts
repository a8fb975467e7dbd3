import type { ChildSpec } from './child-spec.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { ChildKind, Owner, Child } from './child.ts'

type Maker = (spec: ChildSpec, owner: Owner, runtime: Runtime) => Child

const makers = new Map<ChildKind, Maker>()

/**
 * Registers the function that makes children of `kind`. Supervisors start actors, and actors start supervisors. If each
 * of them called the constructor of the other, their files would import each other. So both call `makeChild`, which
 * finds the function in a table.
 */
export function registerKind(kind: ChildKind, maker: Maker): void {
  makers.set(kind, maker)
}

export function makeChild(spec: ChildSpec, owner: Owner, runtime: Runtime): Child {
  return (makers.get(spec.kind) as Maker)(spec, owner, runtime)
}
