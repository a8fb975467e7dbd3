// Uses each primitive of sync in tasks, and a lock in plain code. Waiters that are cancelled at the moment in which they get a lock
// or an item must not lose it.
import assert from 'node:assert/strict'
import { createTask, gather, isCancelled, run, sleep } from '../../packages/core/dist/index.js'
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Broadcast,
  CapacityLimiter,
  Channel,
  Condition,
  EndOfChannel,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  QueueShutDown,
  RateLimiter,
  RWLock,
  Semaphore,
} from '../../packages/sync/dist/index.js'

/** Three tasks wait for a lock that is held. The first task is cancelled at the moment in which the lock is released. */
async function contended(acquire, statistics, free) {
  const held = await acquire()
  const order = []
  const tasks = ['first', 'second', 'third'].map((name) =>
    createTask(async () => {
      const hold = await acquire()
      order.push(name)
      await sleep(0)
      hold[Symbol.dispose]()
      hold.release()
    }),
  )
  await sleep(1)
  held.release()
  tasks[0].cancel()
  const [first] = await gather(tasks, { returnExceptions: true })
  assert.ok(isCancelled(first))
  assert.deepEqual(order, ['second', 'third'])
  for (const [key, value] of Object.entries(free)) assert.equal(statistics()[key], value, key)
}

async function permits() {
  const lock = new Lock()
  await contended(
    () => lock.acquire(),
    () => lock.statistics(),
    { holders: 0, waiters: 0 },
  )
  for (const semaphore of [new Semaphore(1), new BoundedSemaphore(1)]) {
    const free = { value: 1, holders: 0, waiters: 0 }
    await contended(
      () => semaphore.acquire(),
      () => semaphore.statistics(),
      free,
    )
  }
  const limiter = new CapacityLimiter(3)
  const whole = { available: 3, holders: 0, waiters: 0 }
  await contended(
    () => limiter.acquire(2),
    () => limiter.statistics(),
    whole,
  )
  const rwLock = new RWLock()
  const nobody = { readers: 0, writers: 0, waiters: 0 }
  await contended(
    () => rwLock.write(),
    () => rwLock.statistics(),
    nobody,
  )
  const readers = await gather([async () => rwLock.read(), async () => rwLock.read()])
  assert.equal(rwLock.statistics().readers, 2)
  for (const reader of readers) reader.release()
}

async function signals() {
  const event = new Event()
  const waiting = [1, 2, 3].map(() => createTask(() => event.wait()))
  await sleep(0)
  event.set()
  assert.deepEqual(await gather(waiting), [true, true, true])

  const condition = new Condition()
  let items = 0
  const take = () =>
    condition.runExclusive(async () => {
      await condition.waitFor(() => items > 0)
      items--
    })
  const takers = [createTask(take), createTask(take)]
  await sleep(1)
  await condition.runExclusive(() => {
    items++
    condition.notify()
  })
  takers[0].cancel()
  await takers[1]
  assert.equal(items, 0)
  assert.equal(condition.locked(), false)

  const barrier = new Barrier(3)
  const numbers = await gather([1, 2, 3].map(() => () => barrier.wait()))
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    [0, 1, 2],
  )
  const broken = createTask(() => barrier.wait())
  await sleep(1)
  await barrier.abort()
  await assert.rejects(async () => broken, BrokenBarrierError)
}

async function queues() {
  for (const [Kind, order] of [
    [Queue, [2, 3, 1]],
    [LifoQueue, [1, 3, 2]],
    [PriorityQueue, [1, 2, 3]],
  ]) {
    const queue = new Kind({ maxsize: 3 })
    for (const item of [2, 3, 1]) await queue.put(item)
    const putting = createTask(() => queue.put(9))
    await sleep(0)
    putting.cancel()
    queue.shutdown()
    const got = []
    for await (const item of queue) {
      got.push(item)
      queue.taskDone()
    }
    assert.deepEqual(got, order)
    await queue.join()
    await assert.rejects(async () => queue.get(), QueueShutDown)
  }

  const channel = new Channel({ capacity: 0 })
  const sending = createTask(async () => {
    for (let i = 0; i < 3; i++) await channel.send(i)
    channel.close()
  })
  const got = []
  for await (const item of channel) got.push(item)
  await sending
  assert.deepEqual(got, [0, 1, 2])
  await assert.rejects(async () => channel.receive(), EndOfChannel)

  const news = new Broadcast({ lag: 'block', capacity: 1 })
  const readers = [news.subscribe(), news.subscribe()].map((subscription) =>
    createTask(async () => {
      const messages = []
      for await (const message of subscription) messages.push(message)
      return messages
    }),
  )
  for (let i = 0; i < 3; i++) await news.publish(i)
  news.close()
  assert.deepEqual(await gather(readers), [got, got])
}

async function rates() {
  const limiter = new RateLimiter({ limit: 2, interval: 20 })
  const start = performance.now()
  for (let i = 0; i < 4; i++) await limiter.acquire()
  assert.ok(performance.now() - start >= 15)
}

async function plainCode() {
  const lock = new Lock()
  const results = await Promise.all([1, 2, 3].map((n) => lock.runExclusive(async () => n * n)))
  assert.deepEqual(results, [1, 4, 9])
  await lock.acquire()
  const controller = new AbortController()
  const refused = assert.rejects(
    async () => lock.acquire({ signal: controller.signal }),
    isCancelled,
  )
  controller.abort()
  await refused
  lock.release()
  assert.throws(() => lock.release(), { name: 'RuntimeError' })
}

function* generators() {
  const lock = new Lock()
  const queue = new Queue()
  const held = yield* lock.acquire()
  yield* queue.put(7)
  assert.equal(yield* queue.get(), 7)
  held.release()
  assert.equal(lock.locked(), false)
}

await run(async () => {
  for (const program of [permits, signals, queues, rates, plainCode]) await program()
  await createTask(generators)
})
await plainCode()
