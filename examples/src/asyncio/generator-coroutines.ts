import {
  coroutine,
  type CoroutineGenerator,
  createTask,
  Future,
  getEventLoop,
  sleep,
} from '@tasktree/core'

const add = coroutine(function* (a: number, b: number): CoroutineGenerator<number> {
  console.log(`add: ${a} + ${b}`)
  yield* sleep(100)
  return a + b
})

function* main(): CoroutineGenerator<void> {
  // A coroutine:
  let result = yield* add(1, 2)
  console.log('a coroutine:', result)
  // A future:
  const future = new Future<number>()
  loop.callSoon(() => future.setResult(4))
  result = yield* future
  console.log('a future:', result)
  // A task:
  const task = createTask(add(5, 6))
  result = yield* task
  console.log('a task:', result)
}

const loop = getEventLoop()
await loop.runUntilComplete(main)
loop.close()
