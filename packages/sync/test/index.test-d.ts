import type { Future } from '@tasktree/core'
import {
  Barrier,
  Broadcast,
  CapacityLimiter,
  Channel,
  Condition,
  Event,
  Lock,
  PriorityQueue,
  Queue,
  RateLimiter,
  type Releaser,
  RWLock,
  Semaphore,
} from '@tasktree/sync'

const held: Future<Releaser> = new Lock().acquire({ signal: new AbortController().signal })
const disposable: Disposable = held.result()
const shared: Future<Releaser>[] = [
  new RWLock().read(),
  new RWLock().write(),
  new Semaphore().acquire(),
  new CapacityLimiter(1).acquire(1),
  new Condition(new Lock()).acquire(),
]
const text: Promise<string> = new Lock().runExclusive(() => 'text')
const set: Future<true> = new Event().wait()
const index: Promise<number> = new Barrier(2).wait()
const item: Future<number> = new Queue<number>({ maxsize: 1 }).get()
const entry: Future<[number, string]> = new PriorityQueue<[number, string]>({
  compare: (a, b) => a[0] - b[0],
}).get()
const tokens: Future<void> = new RateLimiter({ limit: 1, interval: 1 }).acquire(1)
const message: Future<string> = new Channel<string>({ capacity: 0 }).receive()
const news: AsyncIterable<string> & Disposable = new Broadcast<string>({ lag: 'block' }).subscribe()

const taken: Releaser[] = [
  new Lock().acquireNowait(),
  new Semaphore().acquireNowait(),
  new CapacityLimiter(1).acquireNowait(1),
]
const received: string = new Channel<string>({ capacity: 1 }).receiveNowait()

// @ts-expect-error -- the tokens of a rate limiter cannot be released
new RateLimiter({ limit: 1, interval: 1 }).acquireNowait().release()
// @ts-expect-error -- an item of another type
new Channel<string>({ capacity: 1 }).sendNowait(1)
// @ts-expect-error -- an item of another type
new Queue<number>().putNowait('text')
// @ts-expect-error -- a queue takes options, not a size
const sized = (): Queue<unknown> => new Queue(5)
// @ts-expect-error -- the policy must be chosen
const unruled = (): Broadcast<unknown> => new Broadcast({})
// @ts-expect-error -- a releaser comes from acquire
held.result().holder()

export {
  sized,
  unruled,
  disposable,
  entry,
  index,
  item,
  message,
  news,
  received,
  set,
  shared,
  taken,
  text,
  tokens,
}
