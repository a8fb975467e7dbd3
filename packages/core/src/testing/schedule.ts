import { describe } from '../arguments.ts'
import type { Runnable, Schedule } from '../loop/ready-queue.ts'

/**
 * Chooses which entry of the ready queue the loop runs next, with a random generator that starts from a seed. `trace`
 * holds the names of the entries that ran.
 */
export class SeededSchedule implements Schedule {
  readonly trace: string[] = []
  #state: number

  constructor(seed: number) {
    checkSeed(seed)
    this.#state = seed | 0
  }

  pick(size: number): number {
    return Math.floor(this.#random() * size)
  }

  ran(entry: Runnable): void {
    this.trace.push(entry.label?.() ?? entry.constructor.name)
  }

  /**
   * Returns a random number that is at least 0 and less than 1. The generator is mulberry32, because it is small, and
   * its quality is sufficient for making different schedules.
   */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** @throws {TypeError} when `seed` is not an integer */
export function checkSeed(seed: unknown): void {
  if (Number.isInteger(seed)) return
  throw new TypeError(`a seed must be an integer, got ${describe(seed)}`)
}
