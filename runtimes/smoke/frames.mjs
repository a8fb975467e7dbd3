// A task has several flows: a scope cancels its own body and nothing beside it, and a cancel arrives once.
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import http from 'node:http'
import {
  cancelScope,
  createTask,
  Future,
  isCancelled,
  race,
  run,
  shielded,
  sleep,
  taskGroup,
  taskSignal,
  timeout,
  TimeoutError,
  waitFor,
} from '../../packages/core/dist/index.js'

const foreign = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const nameOf = (error) => error.name
const storage = new AsyncLocalStorage()

await run(async () => {
  // Branches of Promise.all.
  const slow = async () => {
    await sleep(30)
    return 'slow'
  }
  assert.deepEqual(await Promise.all([timeout(5, () => sleep(60_000)).catch(nameOf), slow()]), [
    'TimeoutError',
    'slow',
  ])

  // Through a storage of the program's own, and from an event listener.
  const emitter = new EventEmitter()
  const heard = Promise.withResolvers()
  emitter.on('go', () => void timeout(5, () => sleep(60_000)).catch(heard.resolve))
  storage.run(1, () => emitter.emit('go'))
  assert((await heard.promise) instanceof TimeoutError)
  const inStorage = timeout(5, () => storage.run(1, () => storage.exit(() => sleep(60_000))))
  await assert.rejects(inStorage, TimeoutError)

  // A callback of a task that has ended.
  const late = Promise.withResolvers()
  await createTask(async () => {
    void foreign(5).then(() => timeout(5, () => sleep(60_000)).catch(late.resolve))
  })
  assert((await late.promise) instanceof TimeoutError)

  // A cancel while main is in a foreign await, and the loser of a race still waits.
  const task = createTask(async () => {
    await Promise.race([new Future(), sleep(1)])
    await foreign(20)
    await sleep(60_000)
  })
  await sleep(10)
  task.cancel()
  await assert.rejects(async () => task, isCancelled)

  // Clean-up is not struck again by the cancel that it cleans up after.
  const steps = []
  const cleaner = createTask(async () => {
    try {
      await sleep(60_000)
    } finally {
      await foreign(2)
      await sleep(2)
      steps.push('clean')
    }
  })
  await sleep(1)
  cleaner.cancel()
  await assert.rejects(async () => cleaner, isCancelled)
  assert.deepEqual(steps, ['clean'])

  // The signal of the innermost scope.
  const fetching = timeout(5, () => {
    const { promise, reject } = Promise.withResolvers()
    const signal = taskSignal()
    signal.addEventListener('abort', () => reject(signal.reason))
    return promise
  })
  await assert.rejects(fetching, TimeoutError)

  // Work that was begun outside goes on.
  const work = createTask(() => slow())
  const outside = (async () => work)()
  await assert.rejects(waitFor(outside, 5), TimeoutError)
  assert.equal(await work, 'slow')

  // Scopes, groups and races.
  const scope = await cancelScope(
    async () => {
      try {
        await sleep(60_000)
      } finally {
        await shielded(() => sleep(2))
        steps.push('shielded')
      }
    },
    { timeout: 5 },
  )
  assert.equal(scope.cancelled, true)
  assert.deepEqual(steps, ['clean', 'shielded'])
  assert.equal(await race([sleep(60_000), sleep(1, 'first')]), 'first')
  await taskGroup(async (group) => {
    group.createTask(() => sleep(60_000))
    await sleep(1)
    group.cancel()
  })

  // A request of a server is a flow of its own.
  const server = http.createServer((request, response) => {
    // The fast one has time enough on a busy machine too.
    const [limit, ms] = request.url === '/slow' ? [100, 600_000] : [600_000, 20]
    const answer = timeout(limit, () => sleep(ms, 'fast')).catch(nameOf)
    void answer.then((text) => response.end(text))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const get = async (path) =>
    (await fetch(`http://127.0.0.1:${server.address().port}${path}`)).text()
  assert.deepEqual(await Promise.all([get('/slow'), get('/fast')]), ['TimeoutError', 'fast'])
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
