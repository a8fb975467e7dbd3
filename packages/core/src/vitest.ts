import { explore, runVirtual, watchLeaks } from '@tasktree/core/testing'
import {
  afterEach,
  beforeEach,
  it as plain,
  type TestAPI,
  type TestContext,
  type TestOptions,
} from 'vitest'

/** The body of a test in virtual time: an async function, or a function that returns a future. */
export type VirtualBody = (context: TestContext) => PromiseLike<unknown>

/** Options of `it.virtual`, beside those of a vitest test. */
export interface VirtualOptions extends TestOptions {
  /** Draws the order of what is ready from this seed; without it, what is ready first runs first. */
  seed?: number
  /** The time of the clock at the beginning, in milliseconds; 0 by default. */
  start?: number
  /** `false` lets the test end while something of it still runs. The end of the run cancels that. */
  leaks?: false
}

/** Options of `it.explore`, beside those of a vitest test. */
export interface ExploreOptions extends TestOptions {
  /** The number of schedules; 1,000 by default. */
  seeds?: number
  /** The first seed. Without `seeds`, only this schedule runs: the message of a failure names the seed. */
  seed?: number
  /** `false` lets the program end while something of it still runs. The end of the run cancels that. */
  leaks?: false
}

/** Adds a test. The options stand before the body, as in vitest. */
export interface AddTest<Options> {
  (name: string, body: VirtualBody): void
  (name: string, options: Options, body: VirtualBody): void
}

/** A kind of test, with `only` and `skip` as every vitest test has them. */
export interface TestKind<Options> extends AddTest<Options> {
  only: AddTest<Options>
  skip: AddTest<Options>
}

/** vitest's `it`, with the tests of this module. Every test of it fails if it leaves something behind. */
export interface It extends TestAPI<{ tasktreeLeaks: void }> {
  /**
   * Adds a test that runs in virtual time: an hour of sleep takes none, and a test that nothing can wake fails at once
   * with the task tree. Real I/O has no virtual time.
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
   * Adds a test that runs under many schedules, in virtual time. It fails with the seed of the first schedule under
   * which the body fails.
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

/** Runs the body, and throws a LeakError if it has left something behind. */
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
      // vitest gets only what it knows.
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
    // oxlint-disable-next-line eslint/no-empty-pattern -- vitest reads from the pattern which fixtures this one needs
    async ({}, use) => {
      const watch = watchLeaks()
      await use()
      await watch.check()
    },
    { auto: true },
  ],
})

/**
 * The `it` of vitest. A test that leaves a task, a timer, a server or the like behind fails. `it.virtual` and
 * `it.explore` add tests in virtual time.
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
 * Makes every test of the file fail that leaves something behind, also those of vitest's own `it`. Call it at the top of a
 * test file, or in a file of `setupFiles` for all.
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
