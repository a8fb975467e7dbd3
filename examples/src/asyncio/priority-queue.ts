import { type Coroutine, coroutine, run, sleep } from '@tasktree/core'
import { PriorityQueue } from '@tasktree/sync'

const highPriorityTask = coroutine(async () => {
  console.log('High priority task started')
  await sleep(1000)
  console.log('High priority task finished')
})

const lowPriorityTask = coroutine(async () => {
  console.log('Low priority task started')
  await sleep(2000)
  console.log('Low priority task finished')
})

await run(async () => {
  const queue = new PriorityQueue<[number, Coroutine<void>]>()

  // These calls do not begin yet: a Coroutine begins when it is awaited.
  await queue.put([0, highPriorityTask()])
  await queue.put([1, lowPriorityTask()])

  while (!queue.empty()) {
    const [, task] = await queue.get()
    await task
  }
})
