// Uses each function of flow once in plain code and once in a task. A call that has settled must not leave work behind, and a
// cancel must not be retried.
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { createTask, isCancelled, run, sleep } from '../../packages/core/dist/index.js'
import {
  CircuitBreaker,
  CircuitOpenError,
  constant,
  debounce,
  exhaust,
  forEach,
  hedge,
  latest,
  map,
  mapStream,
  on,
  once,
  poll,
  queued,
  retry,
  singleFlight,
  throttle,
  ticker,
} from '../../packages/flow/dist/index.js'

async function maps() {
  let running = 0
  let most = 0
  const twice = async (n) => {
    most = Math.max(most, ++running)
    try {
      await sleep(1)
      return n * 2
    } finally {
      running--
    }
  }
  assert.deepEqual(await map([1, 2, 3, 4], twice, { concurrency: 2 }), [2, 4, 6, 8])
  assert.equal(most, 2)
  const streamed = []
  for await (const value of mapStream([1, 2, 3], twice, { concurrency: 3 })) streamed.push(value)
  assert.deepEqual(streamed, [2, 4, 6])
  const failing = forEach([1, 2, 3], async (n) => {
    running++
    try {
      if (n === 2) throw new Error('two')
      await sleep(10_000)
    } finally {
      running--
    }
  })
  await assert.rejects(failing, /two/)
  assert.equal(running, 0)
}

async function attempts() {
  let calls = 0
  const third = async () => {
    if (++calls < 3) throw new Error('not yet')
    return calls
  }
  assert.equal(await retry(third, { backoff: constant(1) }), 3)
  let begun = 0
  const hedged = await hedge(
    async (attempt) => {
      begun++
      await sleep(attempt === 1 ? 10_000 : 1)
      return 'fast'
    },
    { delay: 5 },
  )
  assert.deepEqual([hedged, begun], ['fast', 2])
  let ready = 0
  assert.equal(
    await poll(async () => (++ready > 2 ? 'ready' : undefined), { interval: 1 }),
    'ready',
  )
  const breaker = new CircuitBreaker({ failures: 1, within: 1_000, resetAfter: 1_000 })
  await assert.rejects(
    breaker.run(async () => Promise.reject(new Error('down'))),
    /down/,
  )
  await assert.rejects(
    breaker.run(async () => 1),
    CircuitOpenError,
  )
}

async function perKey() {
  let calls = 0
  const work = async (n) => {
    calls++
    await sleep(2)
    return n
  }
  const shared = singleFlight(work)
  assert.deepEqual(await Promise.all([shared(1), shared(1)]), [1, 1])
  assert.equal(calls, 1)
  const inTurn = queued(work)
  assert.deepEqual(await Promise.all([inTurn(1), inTurn(2)]), [1, 2])
  const newest = latest(work)
  const replaced = newest(1).catch((error) => error)
  assert.equal(await newest(2), 2)
  assert((await replaced) instanceof Error)
  const only = exhaust(work)
  const first = only(1)
  await only(2).catch(() => {})
  assert.equal(await first, 1)
}

async function events() {
  const emitter = new EventEmitter()
  setTimeout(() => emitter.emit('one', 'value'), 1)
  await once(emitter, 'one')
  setTimeout(() => emitter.emit('many', 'value'), 1)
  for await (const event of on(emitter, 'many')) {
    assert(event !== undefined)
    break
  }
  assert.equal(emitter.listenerCount('many') + emitter.listenerCount('one'), 0)
  let ticks = 0
  for await (const _ of ticker(1)) if (++ticks === 3) break
  let calls = 0
  const late = debounce(async () => ++calls, 2)
  const throttled = throttle(async () => ++calls, 2)
  await Promise.allSettled([late(), late()])
  await throttled()
  assert.equal(calls, 2)
}

for (const program of [maps, attempts, perKey, events]) {
  await program()
  await run(program)
}

await run(async () => {
  let tries = 0
  const task = createTask(async () =>
    retry(
      async () => {
        tries++
        await sleep(10_000)
      },
      { attempts: 5, backoff: constant(1) },
    ),
  )
  await sleep(5)
  task.cancel()
  assert(isCancelled(await task.catch((error) => error)))
  assert.equal(tries, 1)
})
