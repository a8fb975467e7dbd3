import type { ClientUnaryCall, requestCallback } from '@grpc/grpc-js'
import { createTask, Future, getRunningLoop, isCancelled, run, sleep } from '@tasktree/core'
import { Event } from '@tasktree/sync'
import { Counter, type NumberMessage } from './grpc/counter.ts'

/** Makes a future of a unary call. When the task that awaits the future is cancelled, the call is cancelled too. */
function unary<T>(start: (callback: requestCallback<T>) => ClientUnaryCall): Future<T> {
  const reply = new Future<T>()
  const call = start((error, value) => {
    if (reply.done()) return
    if (error === null) reply.setResult(value as T)
    else reply.setException(error)
  })
  reply.addDoneCallback(() => {
    if (reply.cancelled()) call.cancel()
  })
  return reply
}

await run(async () => {
  const loop = getRunningLoop()
  const began = new Event()
  const ended = new Event()

  async function sum(values: number[]): Promise<number> {
    if (values.length > 2) {
      try {
        console.log('server: this will take an hour')
        began.set()
        await sleep(3_600_000)
      } finally {
        console.log('server: the cancel has arrived')
        ended.set()
      }
    }
    return values.reduce((a, b) => a + b)
  }

  await using counter = await Counter.serve({
    add(call, callback) {
      // Each call gets a task of its own. The task is cancelled when the client cancels the call.
      const task = loop.createTask(() => sum(call.request.values))
      call.on('cancelled', () => task.cancel())
      task.addDoneCallback(() => {
        if (!task.cancelled()) callback(task.exception() as Error | null, { value: task.result() })
      })
    },
  })
  const { client } = counter

  const add = (values: number[]): Future<NumberMessage> =>
    unary((callback) => client.add({ values }, callback))

  console.log('client: 1 + 2 =', (await add([1, 2])).value)

  const task = createTask(() => add([1, 2, 3]))
  await began.wait()
  task.cancel()
  try {
    await task
  } catch (error) {
    if (!isCancelled(error)) throw error
    console.log('client: the task was cancelled')
  }
  await ended.wait()
})
