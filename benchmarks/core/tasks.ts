// Compares tasks and futures with native promises, effect and effection, and with Python's asyncio and uvloop if there is a
// python3 that has them. Run: node --expose-gc core/tasks.ts
import { spawnSync } from 'node:child_process'
import {
  allTasks,
  type CoroutineGenerator,
  createTask,
  Future,
  isCancelled,
  run,
  sleep,
  type Task,
} from '@tasktree/core'
import { Effect, Fiber } from 'effect'
import { run as runEffection, spawn } from 'effection'
import { type Contest, contest } from '../contest.ts'
import { median, table } from '../measure.ts'

const one = async (): Promise<number> => 1

// oxlint-disable-next-line eslint/require-yield -- a coroutine that ends without a wait
function* oneGenerator(): CoroutineGenerator<number> {
  return 1
}

async function awaitAsync(future: Future<void>): Promise<void> {
  await future
}

function* awaitGenerator(future: Future<void>): CoroutineGenerator<void> {
  yield* future
}

const coroutine = Effect.gen(function* () {
  return yield* Effect.succeed(1)
})

/** Starts `n` fibers of effect one after another, and waits for each before it starts the next. */
const forkAndJoin = (n: number, what: Effect.Effect<number>): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      let sum = 0
      for (let i = 0; i < n; i++) {
        const fiber = yield* Effect.forkChild(what)
        sum += yield* Fiber.join(fiber)
      }
      return sum
    }),
  )

const start: Contest = {
  title: 'Start a task and await it',
  against: 'effect fork + join, of a value',
  contestants: [
    {
      name: 'native async call',
      operations: 200_000,
      async work(n) {
        let sum = 0
        for (let i = 0; i < n; i++) sum += await one()
        return sum
      },
    },
    {
      name: 'tasktree createTask + await',
      operations: 50_000,
      work: (n) =>
        run(async () => {
          let sum = 0
          for (let i = 0; i < n; i++) sum += await createTask(one)
          return sum
        }),
    },
    {
      name: 'tasktree createTask + yield*, generators',
      operations: 50_000,
      work: (n) =>
        run(function* () {
          let sum = 0
          for (let i = 0; i < n; i++) sum += yield* createTask(oneGenerator)
          return sum
        }),
    },
    {
      name: 'effect fork + join, of a value',
      operations: 20_000,
      work: (n) => forkAndJoin(n, Effect.succeed(1)),
    },
    {
      name: 'effect fork + join, of a coroutine',
      operations: 20_000,
      work: (n) => forkAndJoin(n, coroutine),
    },
    {
      name: 'effection spawn + join',
      operations: 2_000,
      work: (n) =>
        runEffection(function* () {
          let sum = 0
          for (let i = 0; i < n; i++) {
            // oxlint-disable-next-line eslint/require-yield -- an operation that ends without a wait
            const task = yield* spawn(function* () {
              return 1
            })
            sum += yield* task
          }
          return sum
        }),
    },
  ],
}

/**
 * Makes a contest in which `later` calls its callback in a later microtask. If that is the next microtask, the future is already
 * done when `await` calls its `then`.
 */
function resolved(title: string, later: (callback: () => void) => void): Contest {
  return {
    title,
    against: 'native promise',
    contestants: [
      {
        name: 'native promise',
        operations: 100_000,
        async work(n) {
          let sum = 0
          for (let i = 0; i < n; i++) {
            const { promise, resolve } = Promise.withResolvers<number>()
            later(() => resolve(1))
            sum += await promise
          }
          return sum
        },
      },
      {
        name: 'tasktree Future',
        operations: 100_000,
        work: (n) =>
          run(async () => {
            let sum = 0
            for (let i = 0; i < n; i++) {
              const future = new Future<number>()
              later(() => future.setResult(1))
              sum += await future
            }
            return sum
          }),
      },
      {
        name: 'tasktree Future, yield* in a generator',
        operations: 100_000,
        work: (n) =>
          run(function* () {
            let sum = 0
            for (let i = 0; i < n; i++) {
              const future = new Future<number>()
              later(() => future.setResult(1))
              sum += yield* future
            }
            return sum
          }),
      },
    ],
  }
}

const settled = Promise.resolve()
const pass = (): void => {}
const resolvedNext = resolved('Await a future that is resolved in the next microtask', (callback) =>
  queueMicrotask(callback),
)
const resolvedLater = resolved(
  'Await a future that is resolved three microtasks later',
  (callback) => void settled.then(pass).then(pass).then(callback),
)

/**
 * Cancels many waiting tasks and awaits them all. Returns the time that this takes, divided by the number of the tasks. In the last
 * row the future of each task gets a result, and no task is cancelled.
 */
async function cancelParked(): Promise<(string | number)[][]> {
  const ends = async (
    cancel: boolean,
    parked: number,
    park: (future: Future<void>) => PromiseLike<void> | CoroutineGenerator<void>,
  ): Promise<number> => {
    const samples: number[] = []
    for (let run = 0; run < 11; run++) {
      const futures = Array.from({ length: parked }, () => new Future<void>())
      const tasks = futures.map((future) => createTask(() => park(future)))
      // Waits until every task has reached its await, because the loop starts new tasks in portions.
      while (tasks.some((task) => task.waitingOn.size === 0)) await sleep(0)
      const start = performance.now()
      for (const [i, task] of tasks.entries()) {
        if (cancel) task.cancel()
        else futures[i]?.setResult()
      }
      let ended = 0
      for (const task of tasks) {
        try {
          await task
          if (!cancel) ended++
        } catch (error) {
          if (isCancelled(error)) ended++
        }
      }
      samples.push(((performance.now() - start) * 1e6) / parked)
      if (ended !== parked) throw new Error(`the work was not done: ${ended} of ${parked}`)
    }
    return median(samples)
  }
  return run(async () => [
    [
      'tasktree, a parked task cancelled and awaited, of 20,000',
      await ends(true, 20_000, awaitAsync),
    ],
    ['the same, of 1,000', await ends(true, 1_000, awaitAsync)],
    ['the same, of 20,000 generators', await ends(true, 20_000, awaitGenerator)],
    ['the same, of 1,000 generators', await ends(true, 1_000, awaitGenerator)],
    ['the same, of 1,000 given a result instead', await ends(false, 1_000, awaitAsync)],
  ])
}

async function memory(): Promise<(string | number)[][]> {
  const parked = 100_000
  const bytes = async (settled: () => PromiseLike<void>, park: () => unknown): Promise<number> => {
    const kept: unknown[] = Array.from({ length: parked }, () => null)
    gc?.()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < parked; i++) kept[i] = park()
    await settled()
    gc?.()
    return (process.memoryUsage().heapUsed - before) / kept.length
  }
  const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const native = await bytes(nextTurn, () => {
    let resolve: unknown
    const promise = new Promise((resolver) => {
      resolve = resolver
    })
    void (async () => {
      await promise
    })()
    return resolve
  })
  const ours = (start: (future: Future<void>) => Task): Promise<number> =>
    run(async () => {
      // After `sleep(0)` all tasks must have reached their await. The check after the measurement proves it.
      const each = await bytes(
        () => sleep(0),
        () => start(new Future<void>()),
      )
      const waiting = [...allTasks()].filter((task) => task.waitingOn.size === 1)
      if (waiting.length !== parked) throw new Error(`only ${waiting.length} tasks were parked`)
      for (const task of waiting) task.cancel()
      await sleep(0)
      return each
    })
  const startAsync = (future: Future<void>): Task =>
    createTask(async () => {
      await future
    })
  const startGenerator = (future: Future<void>): Task => createTask(() => awaitGenerator(future))
  return [
    ['native promise + async function', native],
    ['tasktree task + future + async function', await ours(startAsync)],
    ['tasktree task + future + generator', await ours(startGenerator)],
  ]
}

const python = process.env['PYTHON'] ?? 'python3'

function guests(): [string, string, number][] {
  const script = new URL('./tasks.py', import.meta.url).pathname
  const { stdout } = spawnSync(python, [script], { encoding: 'utf8' })
  const figures = JSON.parse(stdout) as ['task' | 'future', string, number][]
  const titles = { task: start.title, future: resolvedNext.title }
  return figures.map(([what, name, figure]) => [titles[what], name, figure])
}

const hasPython = spawnSync(python, ['--version']).status === 0
const contests = [start, resolvedNext, resolvedLater]
console.log(await contest(contests, hasPython ? guests : undefined))
console.log(`\n${table(['Cancel a parked task', 'ns'], await cancelParked())}`)
console.log(`\n${table(['Memory of a parked task', 'bytes'], await memory())}`)
