import { createTask, Runner, sleep, why } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  Barrier,
  CapacityLimiter,
  Channel,
  Condition,
  Event,
  Lock,
  Queue,
  RateLimiter,
  RWLock,
  Semaphore,
} from '@tasktree/sync'
import { expect, test } from 'vitest'

/** Runs `body` in a task, and returns what `why` says about the task after 10 ms. */
async function says(name: string, body: () => PromiseLike<unknown>): Promise<string> {
  const task = createTask(async () => void (await body()), { name })
  await sleep(10)
  const text = why(task)
  task.cancel()
  await task.catch(() => {})
  return text
}

test('why() names the holder of a Lock, and what the holder waits for', async () => {
  await runVirtual(async () => {
    const lock = new Lock({ name: 'db' })
    createTask(
      async () => {
        await lock.acquire()
        await sleep(60_000)
      },
      { name: 'migrate' },
    )
    await sleep(40_990)
    expect(await says('worker-3', () => lock.acquire())).toBe(
      "worker-3 waits for lock 'db' (held by task 'migrate'), which sleeps for another 19 s",
    )
  })
})

test('why() says in debug mode for how long the holder has held a Lock', async () => {
  const runner = new Runner({ debug: true })
  await runner.run(async () => {
    const lock = new Lock({ name: 'db' })
    await lock.acquire()
    const waiting = createTask(async () => await lock.acquire(), { name: 'w' })
    await sleep(1_100)
    expect(why(waiting)).toMatch(
      /^w waits for lock 'db' \(held by task 'Task-1' for 1\.\d s\) at .*why\.test\.ts:\d+, which is running$/,
    )
    waiting.cancel()
    await waiting.catch(() => {})
  })
  await runner.close()
})

test('why() describes a wait for each primitive in words', async () => {
  await runVirtual(async () => {
    const full = new Queue<number>({ maxsize: 1, name: 'jobs' })
    full.putNowait(1)
    expect(await says('p', () => full.put(2))).toBe(
      "p waits for queue 'jobs' (to put an item, 1 of 1 in it, 1 in line)",
    )
    expect(await says('g', () => new Queue({ name: 'q' }).get())).toBe(
      "g waits for queue 'q' (to get an item, 0 in it, 1 in line)",
    )
    const semaphore = new Semaphore(1, { name: 'two' })
    createTask(
      async () => {
        await semaphore.acquire()
        await sleep(60_020)
      },
      { name: 'holder' },
    )
    await sleep(10)
    expect(await says('s', () => semaphore.acquire())).toBe(
      "s waits for semaphore 'two' (1 of 1 permits held, the last one by task 'holder'), which sleeps for another 1 min",
    )
    const rate = new RateLimiter({ limit: 1, interval: 60_000, name: 'api' })
    await rate.acquire()
    expect(await says('r', () => rate.acquire())).toBe(
      "r waits for rate limiter 'api' (for 1 of its tokens, 1 in line)",
    )
    const capacity = new CapacityLimiter(4, { name: 'memory' })
    await capacity.acquire(3)
    expect(await says('c', () => capacity.acquire(2))).toBe(
      "c waits for capacity limiter 'memory' (for 2 of 4, 1 free), first task 'Task-1', which is running",
    )
    expect(await says('e', () => new Event({ name: 'go' }).wait())).toBe(
      "e waits for event 'go' (not set)",
    )
    const rw = new RWLock({ name: 'page' })
    await rw.read()
    expect(await says('w', () => rw.write())).toBe(
      "w waits for rw lock 'page' (to write, held by readers task 'Task-1'), which is running",
    )
    const barrier = new Barrier(3, { name: 'start' })
    expect(await says('b', () => barrier.wait())).toBe(
      "b waits for barrier 'start' (1 of 3 have come)",
    )
    const condition = new Condition(undefined, { name: 'ready' })
    expect(await says('n', () => condition.runExclusive(() => condition.wait()))).toBe(
      "n waits for condition 'ready' (to be notified)",
    )
    const channel = new Channel<number>({ capacity: 2, name: 'pipe' })
    expect(await says('h', () => channel.receive())).toBe(
      "h waits for channel 'pipe' (to receive an item, 0 in it)",
    )
  })
})
