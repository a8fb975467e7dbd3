import { type ItemStore, Queue } from './queue.ts'

class Stack<T> implements ItemStore<T> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  push(item: T): void {
    this.#items.push(item)
  }

  pop(): T {
    return this.#items.pop() as T
  }
}

/** A Queue that gives the newest item first. Source: asyncio.LifoQueue */
export class LifoQueue<T> extends Queue<T> {
  protected override createStore(): ItemStore<T> {
    return new Stack<T>()
  }
}
