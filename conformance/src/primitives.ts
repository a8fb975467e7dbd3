import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  Semaphore,
} from '@tasktree/sync'
import type { Program } from './program.ts'

const queues = { fifo: Queue, lifo: LifoQueue, priority: PriorityQueue }

/** The primitives of one program. The statements of the program name each primitive by its index in the list of its kind. */
export class Primitives {
  readonly locks: Lock[]
  readonly semaphores: Semaphore[]
  readonly events: Event[]
  readonly conditions: Condition[]
  readonly queues: Queue<number>[]
  readonly barriers: Barrier[]
  readonly counters: number[]

  constructor(program: Program) {
    const { locks = 0, semaphores = [], events = 0, conditions = [] } = program
    this.locks = Array.from({ length: locks }, () => new Lock())
    this.semaphores = semaphores.map(([value, bounded]) =>
      bounded ? new BoundedSemaphore(value) : new Semaphore(value),
    )
    this.events = Array.from({ length: events }, () => new Event())
    this.conditions = conditions.map((lock) =>
      lock === null ? new Condition() : new Condition(at(this.locks, lock)),
    )
    this.queues = (program.queues ?? []).map(([kind, maxsize]) => new queues[kind]({ maxsize }))
    this.barriers = (program.barriers ?? []).map((parties) => new Barrier(parties))
    this.counters = Array.from({ length: program.counters ?? 0 }, () => 0)
  }
}

export function at<T>(things: readonly T[], index: number): T {
  const thing = things[index]
  if (thing === undefined) throw new RangeError(`the program has nothing of number ${index}`)
  return thing
}
