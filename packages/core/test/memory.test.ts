import {
  cancelTasks,
  type CoroutineGenerator,
  createTask,
  Future,
  run,
  shield,
  sleep,
  sleepForever,
  type TaskGroup,
  taskGroup,
  timeout,
  wait,
  waitFor,
  FIRST_COMPLETED,
  TimeoutError,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { program } from './support/program.ts'

/** The number of calls that are measured. CORE_MEMORY_ROUNDS=1000000 measures more exactly, and takes much longer. */
const rounds = Number(process.env.CORE_MEMORY_ROUNDS ?? 20_000)
const limit = 2_000_000

/** Returns the growth of the heap in bytes over `rounds` calls, after the same number of calls as a warm-up. */
async function growth(step: (i: number) => PromiseLike<unknown>): Promise<number> {
  const heap = async (): Promise<number> => {
    await sleep(0)
    gc?.()
    gc?.()
    return process.memoryUsage().heapUsed
  }
  for (let i = 0; i < rounds / 2; i++) await step(i)
  const before = await heap()
  for (let i = 0; i < rounds; i++) await step(i)
  return (await heap()) - before
}

test.each<[string, () => (i: number) => PromiseLike<unknown>]>([
  ['create and await', () => () => createTask(async () => 1)],
  [
    'create and cancel',
    () => async () => {
      const task = createTask(async () => sleep(1_000))
      task.cancel()
      await wait([task])
    },
  ],
  [
    'create and await, a generator',
    () => {
      const body = function* (): CoroutineGenerator<void> {
        const future = new Future<void>()
        queueMicrotask(() => future.setResult())
        yield* future
      }
      return () => createTask(body)
    },
  ],
  [
    'create and cancel, a generator',
    () => {
      const body = function* (): CoroutineGenerator<void> {
        yield* sleep(1_000)
      }
      return async () => {
        const task = createTask(body)
        await Promise.resolve()
        task.cancel()
        await wait([task])
      }
    },
  ],
  [
    'wait for the first on a long-lived future',
    () => {
      const long = new Future<void>()
      return async () => {
        const done = new Future<void>()
        done.setResult()
        await wait([long, done], { returnWhen: FIRST_COMPLETED })
      }
    },
  ],
  ['timeout around a fast body', () => () => timeout(60_000, async () => 1)],
  [
    'a shield of a long-lived task, given up',
    () => {
      const long = new Future<void>()
      return async () => {
        const shielded = shield(long)
        shielded.cancel()
        await sleep(0)
      }
    },
  ],
  [
    'a start in a long-lived group, given up',
    () => {
      const groups: TaskGroup[] = []
      createTask(() =>
        taskGroup(async (group) => {
          groups.push(group)
          await sleepForever()
        }),
      )
      return async () => {
        await sleep(0)
        const start = createTask(async () => groups[0]?.start(() => sleepForever()))
        await sleep(0)
        await cancelTasks([start])
      }
    },
  ],
  [
    'a line of tasks that each make the next',
    () => {
      return async () => {
        const done = new Future<void>()
        const step = async (left: number): Promise<void> => {
          if (left === 0) done.setResult()
          else createTask(() => step(left - 1))
        }
        createTask(() => step(3))
        await done
      }
    },
  ],
])('memory does not grow when a program repeats: %s', { timeout: 120_000 }, (_, make) =>
  run(async () => {
    expect(await growth(make())).toBeLessThan(limit)
  }),
)

test(
  'memory does not grow when a program repeats: waitFor that times out',
  { timeout: 120_000 },
  () =>
    runVirtual(async () => {
      const long = new Future<void>()
      const bytes = await growth(async () => {
        await waitFor(shield(long), 1).catch((error: unknown) => {
          if (!(error instanceof TimeoutError)) throw error
        })
      })
      expect(bytes).toBeLessThan(limit)
    }),
)

test('a pending future with a callback is garbage collected when no code holds it', () =>
  run(async () => {
    const registry: string[] = []
    const finalization = new FinalizationRegistry<string>((name) => registry.push(name))
    ;(() => {
      const future = new Future<void>()
      finalization.register(future, 'future')
      future.addDoneCallback(() => {})
    })()
    for (let i = 0; i < 50 && registry.length === 0; i++) {
      await sleep(0)
      gc?.()
    }
    expect(registry).toEqual(['future'])
  }))

test(
  'a task that waits for a future takes less than 1,100 bytes, with its future and its async function',
  { tags: ['slow'] },
  async () => {
    const { code, output } = await program(`
    const parked = 100_000
    const tasks = Array.from({ length: parked }, () => null)
    gc()
    const before = process.memoryUsage().heapUsed
    await core.run(async () => {
      for (let i = 0; i < parked; i++) {
        const future = new core.Future()
        tasks[i] = core.createTask(async () => {
          await future
        })
      }
      await core.sleep(0)
      gc()
      console.log((process.memoryUsage().heapUsed - before) / parked, tasks.every((task) => task.waitingOn.size === 1))
    })
  `)
    const [bytes, areParked] = output.trim().split(' ')
    expect([code, areParked]).toEqual([0, 'true'])
    expect(Number(bytes)).toBeLessThan(1_100)
  },
)

test('waitingOn of one task does not look at the 100,000 tasks that wait for the same future', () =>
  runVirtual(async () => {
    const shared = new Future<void>()
    const tasks = Array.from({ length: 100_000 }, () =>
      createTask(async () => {
        await shared
      }),
    )
    await sleep(1)
    // If each look at `waitingOn` took time for every waiter, this loop would take minutes.
    const waiting = tasks.filter((task) => task.waitingOn.has(shared))
    expect(waiting.length).toBe(tasks.length)
    shared.setResult()
    for (const task of tasks) await task
  }))
