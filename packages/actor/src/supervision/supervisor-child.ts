import type { ChildRef } from '../children/child-ref.ts'
import type { DynamicSpec, SupervisorSpec } from '../children/child-spec.ts'
import { registerKind } from '../children/child-kinds.ts'
import { type Owner, Child } from '../children/child.ts'
import { SupervisorIncarnation } from './supervisor.ts'
import { SupervisorRef } from './supervisor-ref.ts'

/**
 * A supervisor as seen by the supervisor or actor that started it. When the supervisor is restarted, this object keeps
 * the objects of the children in the supervisor's option `children`, so that refs to those children stay valid.
 */
export class SupervisorChild extends Child {
  readonly kind: 'supervisor' | 'dynamic'
  declare spec: SupervisorSpec | DynamicSpec
  declare incarnation: SupervisorIncarnation | null
  readonly specifiedChildren: Map<string, Child> = new Map()

  constructor(spec: SupervisorSpec | DynamicSpec, owner: Owner, runtime: Child['runtime']) {
    super(spec, owner, runtime)
    this.kind = spec.kind
  }

  override childWithId(id: string): Child | null {
    return this.incarnation?.find(id) ?? null
  }

  protected override makeRef(): ChildRef {
    return new SupervisorRef(this)
  }

  protected override makeIncarnation(number: number): SupervisorIncarnation {
    return new SupervisorIncarnation(this, number)
  }
}

for (const kind of ['supervisor', 'dynamic'] as const) {
  registerKind(
    kind,
    (spec, owner, runtime) =>
      new SupervisorChild(spec as SupervisorSpec | DynamicSpec, owner, runtime),
  )
}
