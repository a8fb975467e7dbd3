import { createTask, getRunningLoop, sleep, type Task } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  Broadcast,
  Channel,
  LifoQueue,
  PriorityQueue,
  Queue,
  RateLimiter,
  type Subscription,
} from '@tasktree/sync'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

/** How each call has ended, by the number of the call. A call that waits is not in the map. */
type Outcomes = Map<number, string>

const done = (value?: unknown): string => `done ${String(value)}`

/** Numbered calls that may wait, and how they must have ended according to the model. */
class Calls {
  readonly expected: Outcomes = new Map()
  readonly #tasks: Task[] = []

  get next(): number {
    return this.#tasks.length
  }

  start(body: () => PromiseLike<unknown>): void {
    this.#tasks.push(createTask(async () => body()))
  }

  /** Cancels one of the last ten calls. Returns the number of the call, or null if the call has ended. */
  cancel(back: number): number | null {
    const id = this.#tasks.length - 1 - back
    const task = this.#tasks[id]
    if (task === undefined || task.done()) return null
    task.cancel()
    this.expected.set(id, 'cancelled')
    return id
  }

  /** Compares the calls with the model. It is called after every operation, when no task can go on. */
  check(): void {
    const seen: Outcomes = new Map()
    for (const [id, task] of this.#tasks.entries()) {
      if (!task.done()) continue
      if (task.cancelled()) seen.set(id, 'cancelled')
      else if (task.exception() === null) seen.set(id, done(task.result()))
      else seen.set(id, (task.exception() as Error).name)
    }
    const inOrder = (outcomes: Outcomes): unknown => [...outcomes].toSorted(([a], [b]) => a - b)
    expect(inOrder(seen)).toEqual(inOrder(this.expected))
  }
}

/** Draws operations by name, each with a number from 0 to 9. */
function drawn<Name extends string>(
  ...names: readonly Name[]
): fc.Arbitrary<{ do: Name; n: number }[]> {
  const operation = fc.record({ do: fc.constantFrom(...names), n: fc.nat(9) })
  return fc.array(operation, { maxLength: 60, size: 'max' })
}

type Waiting = { id: number; item: number }

function removed<W extends { id: number }>(line: W[], id: number | null): W[] {
  return line.filter((waiting) => waiting.id !== id)
}

const queues: Record<string, [Kind: typeof Queue<number>, take: (items: number[]) => number]> = {
  Queue: [Queue, (items) => items.shift() as number],
  LifoQueue: [LifoQueue, (items) => items.pop() as number],
  PriorityQueue: [
    PriorityQueue,
    (items) => items.splice(items.indexOf(Math.min(...items)), 1)[0] as number,
  ],
}

test.each(Object.entries(queues))(
  '%s ends each wait as its model does, for random calls and cancels',
  { tags: ['slow'] },
  async (_name, [Kind, take]) => {
    const operations = drawn('put', 'put', 'get', 'get', 'cancel', 'taskDone', 'join', 'shutdown')
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 }),
        operations,
        fc.boolean(),
        (maxsize, list, drop) =>
          runVirtual(async () => {
            const queue = new Kind({ maxsize })
            const calls = new Calls()
            const { expected } = calls
            const items: number[] = []
            let getters: { id: number }[] = []
            let putters: Waiting[] = []
            let joiners: { id: number }[] = []
            let unfinished = 0
            let isShutDown = false
            const store = (item: number): void => {
              items.push(item)
              unfinished++
              const getter = getters.shift()
              if (getter !== undefined) expected.set(getter.id, done(take(items)))
            }
            const finish = (): void => {
              if (unfinished > 0) return
              for (const { id } of joiners) expected.set(id, done())
              joiners = []
            }
            // Only the second drawn shutdown is done, so that most queues are used for a while.
            let shutdownsToGo = 2
            for (const { do: what, n } of list) {
              const id = calls.next
              if (what === 'put') {
                calls.start(() => queue.put(n))
                if (isShutDown) expected.set(id, 'QueueShutDown')
                else if (maxsize > 0 && items.length >= maxsize) putters.push({ id, item: n })
                else {
                  store(n)
                  expected.set(id, done())
                }
              } else if (what === 'get') {
                calls.start(() => queue.get())
                if (items.length > 0) {
                  expected.set(id, done(take(items)))
                  const putter = putters.shift()
                  if (putter !== undefined) {
                    store(putter.item)
                    expected.set(putter.id, done())
                  }
                } else if (isShutDown) expected.set(id, 'QueueShutDown')
                else getters.push({ id })
              } else if (what === 'join') {
                calls.start(() => queue.join())
                joiners.push({ id })
                finish()
              } else if (what === 'taskDone') {
                if (unfinished === 0) expect(() => queue.taskDone()).toThrow(RangeError)
                else {
                  queue.taskDone()
                  unfinished--
                  finish()
                }
              } else if (what === 'cancel') {
                const gone = calls.cancel(n)
                getters = removed(getters, gone)
                putters = removed(putters, gone)
                joiners = removed(joiners, gone)
              } else if (--shutdownsToGo === 0) {
                queue.shutdown(drop)
                isShutDown = true
                if (drop) {
                  unfinished = Math.max(0, unfinished - items.length)
                  items.length = 0
                  finish()
                }
                for (const waiting of [...getters, ...putters])
                  expected.set(waiting.id, 'QueueShutDown')
                getters = []
                putters = []
              }
              await sleep(1)
              calls.check()
              expect(queue.statistics()).toEqual({
                size: items.length,
                maxsize,
                getters: getters.length,
                putters: putters.length,
                joiners: joiners.length,
                unfinished,
                isShutDown,
              })
            }
          }),
      ),
      { numRuns: 150 },
    )
  },
)

test(
  'a Channel ends each wait as its model does, for random calls and cancels',
  { tags: ['slow'] },
  async () => {
    const operations = drawn(
      'send',
      'send',
      'send',
      'receive',
      'receive',
      'receive',
      'cancel',
      'close',
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 3 }), operations, (capacity, list) =>
        runVirtual(async () => {
          const channel = new Channel<number>({ capacity })
          const handles = [channel, channel.clone(), channel.clone()]
          const calls = new Calls()
          const { expected } = calls
          const items: number[] = []
          const closed = new Set<number>()
          let receivers: { id: number }[] = []
          let senders: (Waiting & { handle: number })[] = []
          for (const { do: what, n } of list) {
            const id = calls.next
            const handle = n % handles.length
            const mine = handles[handle] as Channel<number>
            if (what === 'send') {
              calls.start(() => mine.send(n))
              const receiver = closed.has(handle) ? undefined : receivers.shift()
              if (closed.has(handle)) expected.set(id, 'ChannelClosed')
              else if (receiver !== undefined) {
                expected.set(receiver.id, done(n))
                expected.set(id, done())
              } else if (items.length < capacity) {
                items.push(n)
                expected.set(id, done())
              } else senders.push({ id, item: n, handle })
            } else if (what === 'receive') {
              calls.start(() => mine.receive())
              const sender = senders.shift()
              if (sender !== undefined) {
                items.push(sender.item)
                expected.set(sender.id, done())
              }
              if (items.length > 0) expected.set(id, done(items.shift()))
              else if (closed.size === handles.length) expected.set(id, 'EndOfChannel')
              else receivers.push({ id })
            } else if (what === 'cancel') {
              const gone = calls.cancel(n)
              receivers = removed(receivers, gone)
              senders = removed(senders, gone)
            } else if (n < 4) {
              mine.close()
              closed.add(handle)
              for (const sender of senders) {
                if (sender.handle === handle) expected.set(sender.id, 'ChannelClosed')
              }
              senders = senders.filter((sender) => sender.handle !== handle)
              if (closed.size === handles.length) {
                for (const receiver of receivers) expected.set(receiver.id, 'EndOfChannel')
                receivers = []
              }
            }
            await sleep(1)
            calls.check()
            expect(channel.statistics()).toEqual({
              size: items.length,
              capacity,
              senders: senders.length,
              receivers: receivers.length,
              openHandles: handles.length - closed.size,
            })
          }
        }),
      ),
      { numRuns: 250 },
    )
  },
)

/** A subscription, and the items and waiting calls that it has in the model. */
interface Reader {
  of: Subscription<number>
  items: number[]
  getters: { id: number }[]
  dropped: number
  ended: boolean
}

test.each(['block', 'drop-oldest'] as const)(
  'a Broadcast with lag %s ends each wait as its model does, for random calls and cancels',
  { tags: ['slow'] },
  async (lag) => {
    const operations = drawn(
      'publish',
      'publish',
      'publish',
      'get',
      'get',
      'get',
      'get',
      'subscribe',
      'cancel',
      'dispose',
      'close',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 2 }),
        operations,
        (room, keep, list) =>
          runVirtual(async () => {
            const news = new Broadcast<number>({ lag, capacity: room, history: keep })
            const capacity = Math.max(room, keep)
            const calls = new Calls()
            const { expected } = calls
            const readers: Reader[] = []
            let history: number[] = []
            let publishers: Waiting[] = []
            let closed = false
            const live = (): Reader[] => readers.filter((reader) => !reader.ended)
            const give = (reader: Reader, message: number): void => {
              const getter = reader.getters.shift()
              if (getter !== undefined) {
                expected.set(getter.id, done(message))
                return
              }
              reader.items.push(message)
              if (reader.items.length <= capacity) return
              reader.items.shift()
              reader.dropped++
            }
            const hasRoom = (): boolean =>
              lag === 'drop-oldest' || live().every(({ items }) => items.length < capacity)
            const publish = (id: number, message: number): void => {
              expected.set(id, done())
              history = keep === 0 ? [] : [...history, message].slice(-keep)
              for (const reader of live()) give(reader, message)
            }
            const resume = (): void => {
              while (publishers.length > 0 && hasRoom()) {
                const { id, item } = publishers.shift() as Waiting
                publish(id, item)
              }
            }
            const end = (reader: Reader): void => {
              reader.ended = true
              for (const getter of reader.getters) expected.set(getter.id, 'QueueShutDown')
              reader.getters = []
            }
            let closesToGo = 3
            for (const { do: what, n } of list) {
              const id = calls.next
              const reader = readers[n % Math.max(1, readers.length)]
              if (what === 'publish') {
                calls.start(() => news.publish(n))
                if (closed) expected.set(id, 'ChannelClosed')
                else if (publishers.length > 0 || !hasRoom()) publishers.push({ id, item: n })
                else publish(id, n)
              } else if (what === 'subscribe') {
                const of = news.subscribe()
                readers.push({ of, items: [...history], getters: [], dropped: 0, ended: closed })
              } else if (what === 'get' && reader !== undefined) {
                calls.start(() => reader.of.get())
                if (reader.items.length > 0) {
                  expected.set(id, done(reader.items.shift()))
                  resume()
                } else if (reader.ended) expected.set(id, 'QueueShutDown')
                else reader.getters.push({ id })
              } else if (what === 'cancel') {
                const gone = calls.cancel(n)
                publishers = removed(publishers, gone)
                for (const each of readers) each.getters = removed(each.getters, gone)
              } else if (what === 'dispose' && reader !== undefined && n < 5) {
                reader.of[Symbol.dispose]()
                end(reader)
                reader.items = []
                resume()
              } else if (what === 'close' && --closesToGo === 0) {
                news.close()
                closed = true
                for (const publisher of publishers) expected.set(publisher.id, 'ChannelClosed')
                publishers = []
                for (const each of live()) end(each)
              }
              await sleep(1)
              calls.check()
              expect(news.statistics()).toEqual({
                subscribers: live().length,
                publishers: publishers.length,
                history: history.length,
                closed,
              })
              for (const { of, items, getters, dropped } of readers) {
                expect(of.statistics()).toEqual({
                  size: items.length,
                  capacity,
                  dropped,
                  getters: getters.length,
                })
              }
            }
          }),
      ),
      { numRuns: 150 },
    )
  },
)

test(
  'a RateLimiter ends each wait at the time of its model, for random calls and cancels',
  { tags: ['slow'] },
  async () => {
    const operations = drawn('acquire', 'acquire', 'wait', 'cancel')
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), operations, (burst, list) =>
        runVirtual(async () => {
          const msPerToken = 8
          const limiter = new RateLimiter({ limit: 1, interval: msPerToken, burst })
          const loop = getRunningLoop()
          const calls = new Calls()
          const { expected } = calls
          let line: { id: number; n: number }[] = []
          let now = loop.time()
          let fullAt = now
          /** Lets each waiting call of the model go on whose tokens are there by `until`, at the time at which they are there. */
          const serve = (until: number): void => {
            for (let first = line[0]; first !== undefined; first = line[0]) {
              const at = Math.max(now, fullAt - (burst - first.n) * msPerToken)
              if (at > until) break
              now = at
              fullAt = Math.max(fullAt, at) + first.n * msPerToken
              expected.set(first.id, done(at))
              line.shift()
            }
            now = until
          }
          for (const { do: what, n } of list) {
            const id = calls.next
            if (what === 'acquire') {
              const amount = 1 + (n % burst)
              calls.start(async () => {
                await limiter.acquire(amount)
                return loop.time()
              })
              line.push({ id, n: amount })
            } else if (what === 'cancel') {
              line = removed(line, calls.cancel(n))
            } else {
              await sleep(n * 3)
              serve(loop.time())
            }
            // These turns take no virtual time.
            for (let turn = 0; turn < 4; turn++) await sleep(0)
            serve(loop.time())
            calls.check()
            const { available, waiters } = limiter.statistics()
            expect(waiters).toBe(line.length)
            expect(available).toBeCloseTo(burst - Math.max(0, fullAt - now) / msPerToken)
          }
        }),
      ),
      { numRuns: 150 },
    )
  },
)
