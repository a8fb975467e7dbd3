// Tests scopes in tasks with several flows of control, for example the branches of Promise.all. A scope must cancel only its own
// body, and a cancel must arrive only once.
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
  // A timeout in one branch of Promise.all does not cancel the other branch.
  const slow = async () => {
    await sleep(30)
    return 'slow'
  }
  assert.deepEqual(await Promise.all([timeout(5, () => sleep(60_000)).catch(nameOf), slow()]), [
    'TimeoutError',
    'slow',
  ])

  // A timeout works in an event listener, and inside of an AsyncLocalStorage of the program.
  const emitter = new EventEmitter()
  const heard = Promise.withResolvers()
  emitter.on('go', () => void timeout(5, () => sleep(60_000)).catch(heard.resolve))
  storage.run(1, () => emitter.emit('go'))
  assert((await heard.promise) instanceof TimeoutError)
  const inStorage = timeout(5, () => storage.run(1, () => storage.exit(() => sleep(60_000))))
  await assert.rejects(inStorage, TimeoutError)

  // A timeout works in a callback that runs after its task has ended.
  const late = Promise.withResolvers()
  await createTask(async () => {
    void foreign(5).then(() => timeout(5, () => sleep(60_000)).catch(late.resolve))
  })
  assert((await late.promise) instanceof TimeoutError)

  // A cancel comes while the task awaits a native promise and the loser of a race still waits. The next wait of the task gets it.
  const task = createTask(async () => {
    await Promise.race([new Future(), sleep(1)])
    await foreign(20)
    await sleep(60_000)
  })
  await sleep(10)
  task.cancel()
  await assert.rejects(async () => task, isCancelled)

  // A cancel does not cancel the waits of the clean-up that follows it.
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

  // `taskSignal()` is the signal of the innermost scope.
  const fetching = timeout(5, () => {
    const { promise, reject } = Promise.withResolvers()
    const signal = taskSignal()
    signal.addEventListener('abort', () => reject(signal.reason))
    return promise
  })
  await assert.rejects(fetching, TimeoutError)

  // `waitFor` does not cancel work that was begun outside of it.
  const work = createTask(() => slow())
  const outside = (async () => work)()
  await assert.rejects(waitFor(outside, 5), TimeoutError)
  assert.equal(await work, 'slow')

  // Scopes, groups and races work.
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

  // Each request of a server is a flow of its own, so that the timeout of one request does not end another.
  const server = http.createServer((request, response) => {
    // The limit of the fast request is long enough even on a busy machine.
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
