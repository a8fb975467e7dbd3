import { Lifo } from './items.ts'
import { Queue } from './queue.ts'

/** A queue that returns the newest item first. Source: asyncio.LifoQueue */
export class LifoQueue<T> extends Queue<T> {
  constructor(options?: { maxsize?: number; name?: string | undefined }) {
    super(options, new Lifo<T>())
  }
}
