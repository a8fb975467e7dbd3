import { createTask, sleep } from '@tasktree/core'
import { explore, runVirtual } from '@tasktree/core/testing'
import { Broadcast, ChannelClosed, QueueShutDown } from '@tasktree/sync'
import { expect, test } from 'vitest'

test('every subscriber of a Broadcast gets the messages published after it subscribed, in order', () =>
  runVirtual(async () => {
    const news = new Broadcast<number>({ lag: 'block' })
    const first = news.subscribe()
    await news.publish(1)
    const second = news.subscribe()
    await news.publish(2)
    news.close()
    const read = async (from: AsyncIterable<number>): Promise<number[]> => {
      const got: number[] = []
      for await (const message of from) got.push(message)
      return got
    }
    expect([await read(first), await read(second)]).toEqual([[1, 2], [2]])
    await expect(news.publish(3)).rejects.toBeInstanceOf(ChannelClosed)
  }))

test('a new subscriber of a Broadcast with a history gets the last messages first', () =>
  runVirtual(async () => {
    const news = new Broadcast<number>({ lag: 'block', history: 2 })
    for (const message of [1, 2, 3]) await news.publish(message)
    using subscription = news.subscribe()
    await news.publish(4)
    const got = [await subscription.get(), await subscription.get(), await subscription.get()]
    expect(got).toEqual([2, 3, 4])
  }))

test('a slow subscriber with lag drop-oldest loses its oldest messages and counts them in `dropped`', () =>
  runVirtual(async () => {
    const news = new Broadcast<number>({ lag: 'drop-oldest', capacity: 2 })
    using slow = news.subscribe()
    for (let i = 0; i < 5; i++) await news.publish(i)
    expect([await slow.get(), await slow.get(), slow.dropped]).toEqual([3, 4, 3])
  }))

test('publishers with lag block wait in order for the slowest subscriber, and go on when it leaves', () =>
  runVirtual(async () => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
    const slow = news.subscribe()
    using fast = news.subscribe()
    await news.publish(0)
    const publishing = [1, 2].map((message) => createTask(() => news.publish(message)))
    expect(await fast.get()).toBe(0)
    await sleep(1)
    expect(fast.qsize()).toBe(0)
    expect(await slow.get()).toBe(0)
    await publishing[0]
    expect(await fast.get()).toBe(1)
    slow[Symbol.dispose]()
    await publishing[1]
    expect(await fast.get()).toBe(2)
    await expect(slow.get()).rejects.toBeInstanceOf(QueueShutDown)
    expect(news.statistics()).toEqual({ subscribers: 1, publishers: 0, history: 0, closed: false })
  }))

test('a publisher of a Broadcast waits behind another publisher that has just been given room', () =>
  runVirtual(async () => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
    using subscription = news.subscribe()
    await news.publish(0)
    const waiting = createTask(() => news.publish(1))
    await sleep(1)
    expect(await subscription.get()).toBe(0)
    const later = news.publish(2)
    expect(later.done()).toBe(false)
    await waiting
    expect([await subscription.get(), await subscription.get()]).toEqual([1, 2])
    await later
  }))

test('leaving a for await loop over a Subscription unsubscribes it', () =>
  runVirtual(async () => {
    const news = new Broadcast<number>({ lag: 'block', history: 1 })
    await news.publish(1)
    for await (const message of news.subscribe()) {
      expect(message).toBe(1)
      break
    }
    expect(news.statistics().subscribers).toBe(0)
  }))

test('Broadcast.close makes waiting publishers throw ChannelClosed', () =>
  runVirtual(async () => {
    const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
    using subscription = news.subscribe()
    await news.publish(0)
    const waiting = [1, 2].map((message) => createTask(() => news.publish(message)))
    await sleep(1)
    news.close()
    for (const publishing of waiting) await expect(publishing).rejects.toBeInstanceOf(ChannelClosed)
    expect(await subscription.get()).toBe(0)
  }))

test('two subscribers of a Broadcast get the same messages under every schedule, even if publishers are cancelled', () =>
  explore(
    async () => {
      const news = new Broadcast<number>({ lag: 'block', capacity: 1 })
      const subscriptions = [news.subscribe(), news.subscribe()]
      const got: number[][] = [[], []]
      const readers = subscriptions.map((subscription, i) =>
        createTask(async () => {
          for await (const message of subscription) got[i]?.push(message)
        }),
      )
      const publishers = [0, 1, 2, 3].map((message) => createTask(() => news.publish(message)))
      await sleep(0)
      publishers[1]?.cancel()
      publishers[2]?.cancel()
      await publishers[0]
      await publishers[3]
      news.close()
      for (const reader of readers) await reader
      expect(got[0]).toEqual(got[1])
      expect(new Set(got[0]).size).toBe(got[0]?.length)
      expect(got[0]).toEqual(expect.arrayContaining([0, 3]))
    },
    { seeds: 1000 },
  ))

test('new Broadcast refuses wrong options', () => {
  expect(() => new Broadcast({} as never)).toThrow(TypeError)
  expect(() => new Broadcast({ lag: 'block', history: -1 })).toThrow(RangeError)
  expect(() => new Broadcast({ lag: 'block', capacity: 0 })).toThrow(RangeError)
})
