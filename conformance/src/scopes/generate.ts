import { Random } from '../random.ts'
import type { Catches, ScopeKind, ScopeProgram, Statement } from './program.ts'

/** The groups and scopes around the statement that is being drawn. */
interface Around {
  readonly depth: number
  readonly inHandler: boolean
  readonly groups: readonly number[]
  readonly scopes: readonly number[]
}

const simple = {
  sleep: 30,
  checkpoint: 10,
  wait: 5,
  set: 5,
  cancel: 13,
  shield: 3,
  deadline: 3,
  probe: 3,
  effective: 2,
  raise: 2,
  cancelGroup: 1.5,
}
const nested = { scope: 34, group: 12, try: 18, repeat: 3 }
const scopeKinds: Record<ScopeKind, number> = {
  cancelScope: 8,
  moveOnAfter: 5,
  failAfter: 4,
  shielded: 4,
}
const events = 3

class Generator {
  readonly #random: Random
  #left: number
  #scopes = 0
  #groups = 0

  /** All times are divided by this number. With a large number the times are short, so that many of them coincide. */
  readonly #divisor: number

  constructor(seed: number, coincide: boolean) {
    this.#random = new Random(seed)
    this.#divisor = coincide ? 40 : 1
    this.#left = this.#random.between(10, 44)
  }

  body(): Statement[] {
    const random = this.#random
    if (random.chance(0.3))
      return this.#block({ depth: 0, inHandler: false, groups: [], scopes: [] })
    // These tasks run side by side, so that one task can cancel a scope of another task.
    const group = this.#groups++
    const around: Around = { depth: 1, inHandler: false, groups: [group], scopes: [] }
    const tasks = Array.from({ length: random.between(2, 3) }, (): Statement => [
      'spawn',
      group,
      this.#taskBody(around),
    ])
    return [['group', group, [...tasks, ...this.#taskBody(around)]], ...this.#block(around)]
  }

  /** Most tasks begin with a wait, so that something can happen to them. */
  #taskBody(around: Around): Statement[] {
    const block = this.#block(around)
    return this.#random.chance(0.8) ? [this.#sleep(), ...block] : block
  }

  #time(most: number): number {
    return this.#random.between(1, Math.ceil(most / this.#divisor))
  }

  #sleep(): Statement {
    const random = this.#random
    return random.chance(0.2) ? ['checkpoint'] : ['sleep', this.#time(300)]
  }

  #block(around: Around): Statement[] {
    const block: Statement[] = []
    const length = this.#random.between(1, around.depth === 0 ? 6 : 4)
    for (let i = 0; i < length; i++) {
      if (this.#left <= 0 && block.length > 0) break
      block.push(this.#statement(around))
    }
    return block
  }

  #statement(around: Around): Statement {
    this.#left--
    const random = this.#random
    const choices: Partial<Record<Statement[0], number>> = { ...simple }
    if (around.depth < 6 && this.#left > 0) {
      Object.assign(choices, nested)
      if (around.groups.length > 0) choices.spawn = 24
    }
    if (around.inHandler) choices.reraise = 10
    const inner = { ...around, depth: around.depth + 1 }
    const name = random.weighted(choices)
    switch (name) {
      case 'sleep':
        return ['sleep', random.chance(0.06) ? 0 : this.#time(400)]
      case 'wait':
      case 'set':
        return [name, random.between(0, events - 1)]
      case 'cancel':
      case 'probe':
        return [name, this.#scope(around)]
      case 'shield':
        return ['shield', this.#scope(around), random.chance(0.5)]
      case 'deadline':
        return ['deadline', this.#scope(around), random.chance(0.2) ? null : this.#time(300)]
      case 'raise':
        return ['raise', random.pick(['A', 'B'])]
      case 'cancelGroup':
        return ['cancelGroup', random.between(0, Math.max(0, this.#groups - 1))]
      case 'scope':
        return this.#newScope(inner)
      case 'group': {
        const group = this.#groups++
        return ['group', group, this.#block({ ...inner, groups: [...around.groups, group] })]
      }
      case 'spawn':
        return ['spawn', random.pick(around.groups), this.#taskBody({ ...inner, inHandler: false })]
      case 'repeat':
        return ['repeat', random.between(2, 3), this.#block(inner)]
      case 'try':
        return this.#try(inner)
      case 'checkpoint':
      case 'effective':
      case 'reraise':
      default:
        return [name]
    }
  }

  /** Picks a scope: one of the scopes around the statement, or any scope that has been drawn already, most often a new one. */
  #scope(around: Around): number {
    if (around.scopes.length > 0 && this.#random.chance(0.4))
      return this.#random.pick(around.scopes)
    const newest = Math.max(0, this.#scopes - 1)
    return this.#random.between(this.#random.chance(0.7) ? Math.max(0, newest - 2) : 0, newest)
  }

  #newScope(inner: Around): Statement {
    const random = this.#random
    const kind = random.weighted(scopeKinds)
    const slot = this.#scopes++
    const needsLimit = kind === 'moveOnAfter' || kind === 'failAfter'
    const limited = needsLimit || (kind === 'cancelScope' && random.chance(0.4))
    const limit = random.chance(0.06) ? 0 : this.#time(200)
    const shield = kind === 'cancelScope' && random.chance(0.2)
    return [
      'scope',
      slot,
      kind,
      limited ? limit : null,
      shield,
      this.#block({ ...inner, scopes: [...inner.scopes, slot] }),
    ]
  }

  #try(inner: Around): Statement {
    const random = this.#random
    const catches: Catches | null = random.chance(0.3)
      ? null
      : random.pick(['error', 'cancel', 'all', 'all'])
    const handler =
      catches !== null && random.chance(0.7) ? this.#block({ ...inner, inHandler: true }) : []
    const final = catches === null || random.chance(0.3) ? this.#block(inner) : null
    return ['try', this.#block(inner), catches, handler, final]
  }
}

export function generate(seed: number, coincide = false): ScopeProgram {
  const body = new Generator(seed, coincide).body()
  return coincide ? { seed, body, coincide } : { seed, body }
}
