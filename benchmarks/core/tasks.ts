// Tasks and futures beside native promises, effect, effection, and Python's asyncio and uvloop where there is
// a python3 with them. Run: node --expose-gc core/tasks.ts
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
import { median, nanoseconds, table } from '../measure.ts'

const one = async (): Promise<number> => 1

// oxlint-disable-next-line eslint/require-yield -- a coroutine that is done at once
function* oneGenerator(): CoroutineGenerator<number> {
  return 1
}

async function awaitAsync(future: Future<void>): Promise<void> {
  await future
}

function* awaitGenerator(future: Future<void>): CoroutineGenerator<void> {
  yield* future
}

async function startAndAwait(): Promise<(string | number)[][]> {
  const native = await nanoseconds(300_000, async (n) => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += await one()
    return sum
  })
  const ours = await run(() =>
    nanoseconds(100_000, async (n) => {
      let sum = 0
      for (let i = 0; i < n; i++) sum += await createTask(one)
      return sum
    }),
  )
  const generators = await nanoseconds(100_000, (n) =>
    run(function* () {
      let sum = 0
      for (let i = 0; i < n; i++) sum += yield* createTask(oneGenerator)
      return sum
    }),
  )
  const effect = await nanoseconds(20_000, (n) =>
    Effect.runPromise(
      Effect.gen(function* () {
        let sum = 0
        for (let i = 0; i < n; i++) {
          const fiber = yield* Effect.forkChild(Effect.succeed(1))
          sum += yield* Fiber.join(fiber)
        }
        return sum
      }),
    ),
  )
  const coroutine = Effect.gen(function* () {
    return yield* Effect.succeed(1)
  })
  const effectGen = await nanoseconds(20_000, (n) =>
    Effect.runPromise(
      Effect.gen(function* () {
        let sum = 0
        for (let i = 0; i < n; i++) {
          const fiber = yield* Effect.forkChild(coroutine)
          sum += yield* Fiber.join(fiber)
        }
        return sum
      }),
    ),
  )
  const effection = await nanoseconds(2_000, (n) =>
    runEffection(function* () {
      let sum = 0
      for (let i = 0; i < n; i++) {
        // oxlint-disable-next-line eslint/require-yield -- an operation that is done at once
        const task = yield* spawn(function* () {
          return 1
        })
        sum += yield* task
      }
      return sum
    }),
  )
  return [
    ['native async call', native],
    ['tasktree createTask + await', ours],
    ['tasktree createTask + yield*, generators', generators],
    ['effect fork + join, of a coroutine', effectGen],
    ['effect fork + join, of a value', effect],
    ['effection spawn + join', effection],
    ...python('task').map(([name, value]) => [`${name} create_task + await`, value]),
  ]
}

/** `later` calls back in a microtask to come: the next, in which case `await` finds the future done, or one after it. */
async function resolved(later: (callback: () => void) => void): Promise<(string | number)[][]> {
  const native = await nanoseconds(300_000, async (n) => {
    let sum = 0
    for (let i = 0; i < n; i++) {
      const { promise, resolve } = Promise.withResolvers<number>()
      later(() => resolve(1))
      sum += await promise
    }
    return sum
  })
  const ours = await run(() =>
    nanoseconds(300_000, async (n) => {
      let sum = 0
      for (let i = 0; i < n; i++) {
        const future = new Future<number>()
        later(() => future.setResult(1))
        sum += await future
      }
      return sum
    }),
  )
  const generator = await nanoseconds(300_000, (n) =>
    run(function* () {
      let sum = 0
      for (let i = 0; i < n; i++) {
        const future = new Future<number>()
        later(() => future.setResult(1))
        sum += yield* future
      }
      return sum
    }),
  )
  return [
    ['native promise', native],
    ['tasktree Future', ours],
    ['tasktree Future, yield* in a generator', generator],
  ]
}

async function resolvedLater(): Promise<(string | number)[][]> {
  const rows = await resolved((callback) => queueMicrotask(callback))
  return [...rows, ...python('future').map(([name, value]) => [`${name} Future`, value])]
}

const settled = Promise.resolve()

function resolvedMuchLater(): Promise<(string | number)[][]> {
  const pass = (): void => {}
  return resolved((callback) => void settled.then(pass).then(pass).then(callback))
}

/** From the cancel of a parked task to its end being awaited; and the same with a result in place of the cancel. */
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
      // All must have come to their await: the loop starts them in portions.
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
      // All must have come to their await: the loop starts them in portions.
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
    ['native promise + async function, bytes', native],
    ['tasktree task + future + async function, bytes', await ours(startAsync)],
    ['tasktree task + future + generator, bytes', await ours(startGenerator)],
  ]
}

/** Figures of benchmarks/core/tasks.py, in nanoseconds; none where there is no python3. */
function python(what: string): [string, number][] {
  const script = new URL('./tasks.py', import.meta.url).pathname
  const result = spawnSync('python3', [script, what], { encoding: 'utf8' })
  if (result.status !== 0) return []
  return Object.entries(JSON.parse(result.stdout) as Record<string, number>)
}

for (const [title, measure] of [
  ['Start a task and await it, ns', startAndAwait],
  ['Await a future that is resolved in the next microtask, ns', resolvedLater],
  ['Await a future that is resolved three microtasks later, ns', resolvedMuchLater],
  ['Cancel a parked task, ns', cancelParked],
  ['Memory of a parked task', memory],
] as const) {
  const rows = await measure()
  const base = Number(rows[0]?.[1])
  process.stdout.write(
    `\n${table(
      [title, 'median', 'ratio'],
      rows.map(([name, value]) => [
        String(name),
        Number(value),
        `${(Number(value) / base).toFixed(2)}x`,
      ]),
    )}\n`,
  )
}
