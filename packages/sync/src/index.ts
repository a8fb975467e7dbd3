export { BoundedSemaphore } from './bounded-semaphore.ts'
export { Condition } from './condition.ts'
export {
  BrokenBarrierError,
  ChannelClosed,
  EndOfChannel,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
} from './errors.ts'
export { Event } from './event.ts'
export { LifoQueue } from './lifo-queue.ts'
export { Lock } from './lock.ts'
export { PriorityQueue, type PriorityQueueOptions } from './priority-queue.ts'
export { type ItemStore, Queue, type QueueOptions } from './queue.ts'
export type { Releaser } from './releaser.ts'
export { Semaphore } from './semaphore.ts'
export type { WaitOptions } from './wait-options.ts'
