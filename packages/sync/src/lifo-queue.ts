import { Lifo } from './items.ts'
import { Queue } from './queue.ts'

/** A queue that gives out the latest item first. Source: asyncio.LifoQueue */
export class LifoQueue<T> extends Queue<T> {
  constructor(options?: { maxsize?: number }) {
    super(options, new Lifo<T>())
  }
}
