import { Random } from '../random.ts'
import type { Catches, Program, Statement, WaitKind } from './program.ts'

const leaves = { wait: 40, foreign: 10, abortable: 3, hop: 2, fail: 2, cancel: 2 }
const blocks = {
  all: 16,
  allSettled: 8,
  race: 12,
  float: 10,
  timeout: 16,
  waitFor: 6,
  moveOnAfter: 8,
  group: 6,
  shielded: 3,
  task: 3,
  try: 12,
  repeat: 3,
  generator: 3,
}
const waitKinds: Record<WaitKind, number> = {
  sleep: 10,
  future: 4,
  chain: 3,
  ensureFuture: 2,
  event: 3,
  queue: 2,
}

/**
 * The weights of the statements without blocks in an endless program. Most waits of such a program have no end. If the kernel
 * loses a cancel, the program hangs, and the test notices that.
 */
const endlessLeaves = { wait: 40, foreign: 30, hop: 10 }

export interface DrawOptions {
  /** The longest single wait in milliseconds. */
  longest: number
  /** Whether the loop's ready queue is shuffled. */
  shuffled: boolean
  /** If true, half of the waits outside of clean-up code have no end, and no handler swallows a cancel. */
  endless?: boolean
}

/** Draws one program from a seed. */
class Generator {
  readonly #random: Random
  readonly #longest: number
  #left = 0
  #tasks = 1
  #isShut = false
  readonly #isEndless: boolean

  constructor(seed: number, options: DrawOptions) {
    this.#random = new Random(seed)
    this.#longest = options.longest
    this.#isEndless = options.endless ?? false
  }

  program(seed: number, shuffled: boolean): Program {
    const random = this.#random
    this.#tasks = random.weighted({ 1: 6, 2: 3, 3: 1 }) === '1' ? 1 : random.between(2, 3)
    const tasks = Array.from({ length: this.#tasks }, () => {
      this.#left = random.between(5, 36)
      return { generator: random.chance(0.15), body: this.#block(0, false) }
    })
    const cancels = Array.from({ length: this.#isEndless ? 1 : random.between(0, 4) }, () => ({
      at: random.between(0, random.chance(0.7) ? this.#longest : this.#longest * 3),
      task: random.between(0, this.#tasks - 1),
    }))
    cancels.sort((a, b) => a.at - b.at)
    return { seed, tasks, cancels, schedule: shuffled ? random.between(1, 1e9) : null }
  }

  #block(depth: number, inGroup: boolean): Statement[] {
    const block: Statement[] = []
    const length = this.#random.between(1, depth === 0 ? 5 : 3)
    for (let i = 0; i < length; i++) {
      if (this.#left <= 0 && block.length > 0) break
      block.push(this.#statement(depth, inGroup))
    }
    return block
  }

  #statement(depth: number, inGroup: boolean): Statement {
    this.#left--
    const random = this.#random
    const choices: Partial<Record<Statement[0], number>> = {
      ...(this.#isEndless ? endlessLeaves : leaves),
    }
    if (depth < 5 && this.#left > 0) Object.assign(choices, blocks)
    if (this.#isEndless) delete choices.allSettled
    if (inGroup && depth < 6) choices.child = 30
    const name = random.weighted(choices)
    const inner = (): Statement[] => this.#block(depth + 1, inGroup)
    switch (name) {
      case 'wait':
        return [
          'wait',
          random.weighted(waitKinds),
          random.chance(this.#isEndless ? 0.5 : 0.1) && !this.#isShut ? null : this.#delay(),
        ]
      case 'foreign':
      case 'abortable':
        return [name, this.#delay()]
      case 'hop':
        return ['hop', random.between(1, 4)]
      case 'fail':
        return ['fail']
      case 'cancel':
        return ['cancel', random.between(0, this.#tasks - 1)]
      case 'all':
      case 'allSettled':
      case 'race':
        return [name, Array.from({ length: random.between(2, 3) }, inner)]
      case 'timeout':
      case 'waitFor':
      case 'moveOnAfter':
        return [name, this.#limit(), inner()]
      case 'group':
        return ['group', this.#block(depth + 1, true)]
      case 'shielded':
        return random.chance(0.5)
          ? ['shielded', this.#limit(), inner()]
          : ['shielded', null, this.#withEnd(inner)]
      case 'repeat':
        return ['repeat', random.between(2, 3), inner()]
      case 'try':
        return this.#try(inner)
      case 'float':
      case 'child':
      case 'task':
      case 'generator':
      default:
        return [name, inner()]
    }
  }

  /** Draws a block in which each wait ends by itself. Behind a shield without a grace period no cancel would end a wait. */
  #withEnd(inner: () => Statement[]): Statement[] {
    const wasShut = this.#isShut
    this.#isShut = true
    const block = inner()
    this.#isShut = wasShut
    return block
  }

  #try(inner: () => Statement[]): Statement {
    const random = this.#random
    if (this.#isEndless) return ['try', inner(), null, [], this.#withEnd(inner)]
    const catches: Catches | null = random.chance(0.5) ? null : random.chance(0.6) ? 'error' : 'all'
    const handler = catches !== null && random.chance(0.5) ? inner() : []
    return [
      'try',
      inner(),
      catches,
      handler,
      catches === null || random.chance(0.3) ? inner() : null,
    ]
  }

  /** Draws a delay. Many delays are short, so that many things happen at one instant. */
  #delay(): number {
    return this.#random.between(0, this.#random.chance(0.4) ? 4 : this.#longest)
  }

  /** Draws a time limit. Most limits are shorter than the waits that they limit. */
  #limit(): number {
    return this.#random.between(0, this.#random.chance(0.7) ? 12 : this.#longest)
  }
}

export function generate(seed: number, options: DrawOptions): Program {
  return new Generator(seed, options).program(seed, options.shuffled)
}
