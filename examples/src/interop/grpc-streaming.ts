import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js'
import {
  createTask,
  ensureFuture,
  getRunningLoop,
  isCancelled,
  run,
  sleep,
  type Task,
} from '@tasktree/core'
import { Event } from '@tasktree/sync'
import { Counter, type NumberMessage } from './grpc/counter.ts'

/** Yields what a call receives. If a loop over it ends early (by `break`, an error or a cancel), the call is cancelled. */
async function* received<T>(call: AsyncIterable<T> & { cancel(): void }): AsyncGenerator<T, void> {
  const messages = call[Symbol.asyncIterator]()
  let state: 'open' | 'ended' | 'left' = 'open'
  const next = async (): Promise<IteratorResult<T>> => {
    try {
      return await messages.next()
    } catch (error) {
      if (state !== 'left') throw error
      return { done: true, value: undefined } // `call.cancel()` below made it fail, and the loop has ended
    }
  }
  try {
    for (;;) {
      // `next()` returns a native promise. With `ensureFuture`, a cancel of the task ends the wait for it.
      const { done, value } = await ensureFuture(next())
      if (done === true) {
        state = 'ended'
        return
      }
      yield value
    }
  } finally {
    if (state === 'open') {
      state = 'left'
      call.cancel()
    }
  }
}

type ServerCall =
  | ServerWritableStream<NumberMessage, NumberMessage>
  | ServerDuplexStream<NumberMessage, NumberMessage>

await run(async () => {
  const loop = getRunningLoop()
  const endless = new Event()
  const ended = new Event()

  /** Serves a call in a new task. The task is cancelled when the client cancels the call. */
  function serve(call: ServerCall, handle: () => Promise<void>): void {
    const task = loop.createTask(async () => {
      try {
        await handle()
        call.end()
      } catch (error) {
        if (isCancelled(error)) console.log('server: the cancel has arrived')
        throw error
      } finally {
        ended.set()
      }
    })
    call.on('cancelled', () => task.cancel())
  }

  await using counter = await Counter.serve({
    count: (call) =>
      serve(call, async () => {
        for (let value = 1; value <= call.request.value; value++) {
          call.write({ value })
          await sleep(1)
        }
      }),
    double: (call) =>
      serve(call, async () => {
        for await (const { value } of call as AsyncIterable<NumberMessage>) {
          if (value > 1000) {
            console.log('server: this will take an hour')
            endless.set()
            await sleep(3_600_000)
          }
          call.write({ value: 2 * value })
        }
      }),
  })
  const { client } = counter

  async function endOf(task: Task): Promise<void> {
    ended.clear()
    try {
      await task
    } catch (error) {
      if (!isCancelled(error)) throw error
      console.log('client: the task was cancelled')
    }
    await ended.wait()
  }

  for await (const { value } of received(client.count({ value: 3 }))) console.log('counted', value)

  // The server sends numbers, and the client is cancelled after three of them:
  const counting = createTask(async () => {
    for await (const { value } of received(client.count({ value: 1_000_000 }))) {
      if (value === 3) counting.cancel()
    }
  })
  await endOf(counting)

  // Both sides send, and the client is cancelled while it waits for an answer that does not come:
  const doubling = createTask(async () => {
    const call = client.double()
    call.write({ value: 21 })
    for await (const { value } of received(call)) {
      console.log('doubled:', value)
      call.write({ value: 1001 })
    }
  })
  await endless.wait()
  doubling.cancel()
  await endOf(doubling)
})
