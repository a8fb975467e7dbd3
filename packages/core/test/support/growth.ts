import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

/** Prepares an operation on `n` things, and returns the function that is measured. The meter runs both in a new event loop. */
export type Operation = (n: number) => (() => unknown) | Promise<() => unknown>

/** The cost with 10,000 things divided by the cost with 1,000. With `GROWTH=full` it is 100,000 and 10,000 things. */
export interface Growth {
  /** The ratio of how often functions and blocks of the packages have run. */
  readonly steps: number
  /** The ratio of processor time. */
  readonly time: number
}

/**
 * Measures in a separate process how the cost of operations grows with the number of things.
 *
 * The cost is how often functions and blocks of the packages have run. V8 counts this for coverage reports. The count is the
 * same in every run, but time is not: the garbage collector, the caches and other programs change it. The count does not
 * include the work inside of built-in functions such as the methods of arrays. So the meter measures processor time too, with
 * a bound that only a cost exceeds that grows much faster than linearly.
 */
export class GrowthMeter implements Disposable {
  readonly #process: ChildProcess

  /** @param operations the module that exports `operations` */
  constructor(operations: URL) {
    this.#process = fork(new URL('growth-meter.ts', import.meta.url), [fileURLToPath(operations)], {
      // V8 counts exactly only in code that it has not optimized.
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
