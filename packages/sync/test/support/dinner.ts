import { sleep } from '@tasktree/core'
import { Lock, Semaphore } from '@tasktree/sync'
import { expect } from 'vitest'

const count = 5

/**
 * The dining philosophers. There are as many forks as philosophers, and a philosopher needs the forks on both sides to eat.
 * There is one seat less than philosophers. Otherwise each philosopher could hold one fork and wait for the other fork for ever.
 */
export class Dinner {
  readonly forks: Lock[] = Array.from({ length: count }, () => new Lock())
  readonly seats: Semaphore = new Semaphore(count - 1)
  readonly #eating = new Set<number>()
  meals = 0

  /** The body of each philosopher: it eats twice, and expects that neither neighbour eats at the same time. */
  readonly philosophers: (() => Promise<void>)[] = this.forks.map((_, i) => async () => {
    for (let meal = 0; meal < 2; meal++) {
      using _seat = await this.seats.acquire()
      using _left = await this.forks[i]!.acquire()
      using _right = await this.forks[(i + 1) % count]!.acquire()
      const neighbours = [(i + 1) % count, (i + count - 1) % count]
      expect(neighbours.some((each) => this.#eating.has(each))).toBe(false)
      this.#eating.add(i)
      try {
        await sleep(0)
        this.meals++
      } finally {
        this.#eating.delete(i)
      }
    }
  })
}
