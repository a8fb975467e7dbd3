import * as sync from '@tasktree/sync'
import { expect, test } from 'vitest'

test('the package exports exactly this list of names', () => {
  expect(Object.keys(sync)).toMatchInlineSnapshot(`
    [
      "Barrier",
      "BoundedSemaphore",
      "Broadcast",
      "Subscription",
      "CapacityLimiter",
      "Channel",
      "Condition",
      "BrokenBarrierError",
      "ChannelClosed",
      "EndOfChannel",
      "QueueEmpty",
      "QueueFull",
      "QueueShutDown",
      "WouldBlock",
      "Event",
      "LifoQueue",
      "Lock",
      "PriorityQueue",
      "Queue",
      "RateLimiter",
      "Releaser",
      "RWLock",
      "Semaphore",
    ]
  `)
})
