import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

/** Prepares an operation on `n` things, in a loop of its own, and returns the part that is measured. */
export type Operation = (n: number) => (() => unknown) | Promise<() => unknown>

/** How much more ten times as many things cost: 10,000 and 1,000, or 100,000 and 10,000 with `GROWTH=full`. */
export interface Growth {
  /** In functions and blocks of the packages that have run. */
  readonly steps: number
  /** In processor time. */
  readonly time: number
}

/**
 * Measures how the cost of operations grows with the number of things, in a process of its own.
 *
 * The measure is the number of functions and blocks of the packages that have run, as V8 counts them for a coverage report.
 * Unlike time it is the same in every run: the collector, the caches and other programs do not change it. It does not see
 * what a method of an array does inside, so processor time is looked at too, with a bound that only a cost that is far from
 * linear exceeds.
 */
export class GrowthMeter implements Disposable {
  readonly #process: ChildProcess

  /** @param operations the module that exports `operations` */
  constructor(operations: URL) {
    this.#process = fork(new URL('growth-meter.ts', import.meta.url), [fileURLToPath(operations)], {
      // V8 counts exactly only in code that is not optimized.
      execArgv: ['--expose-gc', '--conditions=@tasktree/source', '--no-opt', '--no-maglev'],
    })
  }

  async measure(name: string): Promise<Growth> {
    this.#process.send(name)
    const [answer] = (await once(this.#process, 'message')) as [{ name: string; growth: Growth }]
    expect(answer.name).toBe(name)
    return answer.growth
  }

  /** Expects that ten times as many things cost at most `most` times as much. */
  async expectLinear(name: string, most = 12): Promise<void> {
    const { steps, time } = await this.measure(name)
    expect(steps).toBeLessThanOrEqual(most)
    expect(time).toBeLessThan(40)
  }

  [Symbol.dispose](): void {
    this.#process.kill()
  }
}
