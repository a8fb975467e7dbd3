import { explore, runVirtual, watchLeaks } from '@tasktree/core/testing'
import {
  afterEach,
  beforeEach,
  it as plain,
  type TestAPI,
  type TestContext,
  type TestOptions,
} from 'vitest'

/** The body of a test: an async function, or a function that returns a future. */
export type VirtualBody = (context: TestContext) => PromiseLike<unknown>

/** The options of `it.virtual`: the options of a vitest test, and the following. */
export interface VirtualOptions extends TestOptions {
  /**
   * With a seed, the tasks and callbacks that are ready run in an order that is computed from the seed. Without a seed,
   * they run in the order in which they became ready.
   */
  seed?: number
  /** The time of the virtual clock at the beginning of the test, in milliseconds; 0 by default. */
  start?: number
  /**
   * With `false`, the test does not fail if it ends while tasks or timers that it has begun are left; these are then
   * cancelled.
   */
  leaks?: false
}

/** The options of `it.explore`: the options of a vitest test, and the following. */
export interface ExploreOptions extends TestOptions {
  /**
   * How many schedules the test runs under; 1,000 by default. A schedule is an order in which the tasks and callbacks
   * that are ready run.
   */
  seeds?: number
  /**
   * The seed of the first schedule (an order of the tasks and callbacks, computed from the seed). If `seeds` is not
   * given, the test runs only under this schedule. The message of a failure names the seed, so the failure can be
   * repeated.
   */
  seed?: number
  /**
   * With `false`, the test does not fail if it ends while tasks or timers that it has begun are left; these are then
   * cancelled.
   */
  leaks?: false
}

/** A function that adds a test. The options come before the body, as in vitest. */
export interface AddTest<Options> {
  (name: string, body: VirtualBody): void
  (name: string, options: Options, body: VirtualBody): void
}

/** A function that adds tests of one kind. It has `only` and `skip`, as `it` of vitest has. */
export interface TestKind<Options> extends AddTest<Options> {
  only: AddTest<Options>
  skip: AddTest<Options>
}

/**
 * The type of `it`: the `it` of vitest, with `it.virtual` and `it.explore` in addition. A test fails if tasks, timers
 * or other things that its body has begun are left when the body ends. (`it.virtual` and `it.explore` do not check this
 * if their option `leaks` is false.)
 */
export interface It extends TestAPI<{ tasktreeLeaks: void }> {
  /**
   * Adds a test that runs in virtual time: a sleep of an hour takes no real time. If every task waits and nothing can
   * wake any of them, the test fails at once, and its error contains the task tree. Real I/O still takes real time.
   *
   * @example
   *     import { expect } from 'vitest'
   *
   *     it.virtual('gives up after an hour', async () => {
   *       await expect(timeout(3_600_000, () => sleepForever())).rejects.toThrow(TimeoutError)
   *     })
   */
  virtual: TestKind<VirtualOptions>
  /**
   * Adds a test that runs its body again and again, each time with another order of the tasks and callbacks that are
   * ready (a schedule), in virtual time. If the body fails, the test fails, and its error names the seed with which
   * this schedule can be repeated.
   *
   * @example
   *     import { expect } from 'vitest'
   *
   *     it.explore('no update is lost', { seeds: 200 }, async () => {
   *       let balance = 0
   *       const add = async () => {
   *         await sleep(0)
   *         balance++
   *       }
   *       await gather([add, add])
   *       expect(balance).toBe(2)
   *     })
   */
  explore: TestKind<ExploreOptions>
}

/**
 * Runs the body, and throws a LeakError if tasks, timers or other things that the body has begun are left. If `leaks`
 * is false, nothing is checked.
 */
async function withoutLeaks(body: VirtualBody, context: TestContext, leaks?: false): Promise<void> {
  const watch = watchLeaks()
  await body(context)
  if (leaks !== false) await watch.check()
}

type Run<Options> = (body: VirtualBody, context: TestContext, options: Options) => Promise<unknown>

function testKind<Options extends VirtualOptions & ExploreOptions>(
  base: TestAPI,
  run: Run<Options>,
): TestKind<Options> {
  const adder =
    (add: TestAPI['only'] | TestAPI): AddTest<Options> =>
    (name: string, ...rest: [VirtualBody] | [Options, VirtualBody]) => {
      const [options, body] = rest.length === 1 ? [{} as Options, rest[0]] : rest
      // The options that vitest does not know are left out.
      const { seed: _seed, start: _start, seeds: _seeds, leaks: _leaks, ...known } = options
      add(name, known as TestOptions as object, (context: TestContext) =>
        run(body, context, options).then(() => {}),
      )
    }
  return Object.assign(adder(base), { only: adder(base.only), skip: adder(base.skip) })
}

const runInVirtualTime: Run<VirtualOptions> = (body, context, { seed, start, leaks }) =>
  runVirtual(() => withoutLeaks(body, context, leaks), {
    ...(seed === undefined ? {} : { seed }),
    ...(start === undefined ? {} : { start }),
  })

const runUnderSchedules: Run<ExploreOptions> = (body, context, { seed, seeds, leaks }) =>
  explore(() => withoutLeaks(body, context, leaks), {
    ...(seed === undefined ? {} : { seed }),
    ...(seeds === undefined ? {} : { seeds }),
  })

const checked = plain.extend<{ tasktreeLeaks: void }>({
  tasktreeLeaks: [
    // oxlint-disable-next-line eslint/no-empty-pattern -- vitest reads from this pattern which other fixtures are needed: none
    async ({}, use) => {
      const watch = watchLeaks()
      await use()
      await watch.check()
    },
    { auto: true },
  ],
})

/**
 * The `it` of vitest, with two additions. A test fails if a task, a timer, a server or a similar thing that its body
 * has begun is left when the body ends. And `it.virtual` and `it.explore` add tests that run in virtual time.
 *
 * @example
 *     import { expect } from 'vitest'
 *
 *     it('leaves nothing behind', async () => {
 *       const task = createTask(() => sleep(1, 'done'))
 *       expect(await task).toBe('done')
 *     })
 */
export const it: It = Object.assign(checked, {
  virtual: testKind<VirtualOptions>(plain, runInVirtualTime),
  explore: testKind<ExploreOptions>(plain, runUnderSchedules),
})

/**
 * Checks every test of the file, also the tests of vitest's own `it`: a test fails if a task, a timer or a similar
 * thing that it has begun is left at its end. Call `checkLeaks` at the top of a test file, or in a file of `setupFiles`
 * for all test files. Do not use it with `test.concurrent`: such a test would find what other tests have begun.
 *
 * @example
 *     import { expect, test } from 'vitest'
 *
 *     checkLeaks()
 *     test('leaves nothing behind', async () => {
 *       expect(await createTask(() => sleep(1, 'done'))).toBe('done')
 *     })
 */
export function checkLeaks(): void {
  let check = async (): Promise<void> => {}
  beforeEach(() => {
    const watch = watchLeaks()
    check = () => watch.check()
  })
  afterEach(() => check())
}
