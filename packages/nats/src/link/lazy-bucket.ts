import { createTask, detached, Future } from '@tasktree/core'
import type { Bucket, Entry } from '../bus/bus.ts'

/**
 * A bucket that is opened when it is first used. Once it is open, a call sends its message within the call, so that the
 * message leaves in one packet with other messages of the same turn.
 */
export class LazyBucket implements Bucket {
  readonly #open: () => Future<Bucket>
  #bucket: Bucket | null = null
  #opening: Future<Bucket> | null = null

  constructor(open: () => Future<Bucket>) {
    this.#open = open
  }

  create(key: string, value: Uint8Array): Future<number | null> {
    return this.#use((bucket) => bucket.create(key, value))
  }

  update(key: string, value: Uint8Array, revision: number): Future<number | null> {
    return this.#use((bucket) => bucket.update(key, value, revision))
  }

  put(key: string, value: Uint8Array): Future<number> {
    return this.#use((bucket) => bucket.put(key, value))
  }

  get(key: string): Future<Entry | null> {
    return this.#use((bucket) => bucket.get(key))
  }

  delete(key: string, revision?: number): Future<void> {
    return this.#use((bucket) => bucket.delete(key, revision))
  }

  keys(): Future<string[]> {
    return this.#use((bucket) => bucket.keys())
  }

  #use<T>(call: (bucket: Bucket) => Future<T>): Future<T> {
    if (this.#bucket !== null) return call(this.#bucket)
    const task = createTask(async () => call(await this.#whenOpen()))
    // In a scope that is cancelled, the caller does not get to await the task. So the failure of the task is marked as
    // handled.
    task.addDoneCallback(() => void (task.cancelled() || task.exception()))
    return task
  }

  /** If the bucket cannot be opened, the calls that wait for it fail with that error. The next call tries again. */
  #whenOpen(): Future<Bucket> {
    if (this.#opening === null) {
      const opening = detached(() => this.#open())
      this.#opening = opening
      opening.addDoneCallback(() => {
        this.#opening = null
        if (!opening.cancelled() && opening.exception() === null) this.#bucket = opening.result()
      })
    }
    return fork(this.#opening)
  }
}

/** Returns a future of its own for each caller, because a cancelled caller must not end the wait of the others. */
function fork<T>(future: Future<T>): Future<T> {
  const own = new Future<T>()
  future.addDoneCallback(() => {
    if (own.done()) return
    if (future.cancelled()) own.cancel()
    else if (future.exception() !== null) own.setException(future.exception())
    else own.setResult(future.result())
  })
  return own
}
