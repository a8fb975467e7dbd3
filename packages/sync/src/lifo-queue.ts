import { Lifo } from './items.ts'
import { Queue } from './queue.ts'

/**
 * A queue that returns the newest item first.
 *
 * @example
 *     const undo = new LifoQueue<string>()
 *     undo.putNowait('type a')
 *     undo.putNowait('type b')
 *     console.log(await undo.get()) // type b
 *
 * Source: asyncio.LifoQueue
 */
export class LifoQueue<T> extends Queue<T> {
  constructor(options?: { maxsize?: number; name?: string | undefined }) {
    super(options, new Lifo<T>())
  }
}
