export { Barrier } from './barrier.ts'
export { BoundedSemaphore } from './bounded-semaphore.ts'
export { Broadcast, Subscription } from './broadcast.ts'
export { CapacityLimiter } from './capacity-limiter.ts'
export { Channel } from './channel.ts'
export { Condition } from './condition.ts'
export {
  BrokenBarrierError,
  ChannelClosed,
  EndOfChannel,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  WouldBlock,
} from './errors.ts'
export { Event } from './event.ts'
export { LifoQueue } from './lifo-queue.ts'
export { Lock } from './lock.ts'
export { PriorityQueue } from './priority-queue.ts'
export { Queue } from './queue.ts'
export { RateLimiter } from './rate-limiter.ts'
export { Releaser } from './releaser.ts'
export { RWLock } from './rw-lock.ts'
export { Semaphore } from './semaphore.ts'
