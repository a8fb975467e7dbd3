import * as sync from '@tasktree/sync'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(sync)).toMatchInlineSnapshot(`
    [
      "Barrier",
      "BoundedSemaphore",
      "Condition",
      "BrokenBarrierError",
      "QueueEmpty",
      "QueueFull",
      "QueueShutDown",
      "Event",
      "LifoQueue",
      "Lock",
      "PriorityQueue",
      "Queue",
      "Releaser",
      "Semaphore",
    ]
  `)
})
