import { createTask, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  BoundedSemaphore,
  CapacityLimiter,
  Channel,
  ChannelClosed,
  EndOfChannel,
  Lock,
  RateLimiter,
  Semaphore,
  WouldBlock,
} from '@tasktree/sync'
import { describe, expect, test } from 'vitest'

const kinds: Record<string, () => Lock | Semaphore | CapacityLimiter> = {
  Lock: () => new Lock(),
  Semaphore: () => new Semaphore(1),
  BoundedSemaphore: () => new BoundedSemaphore(1),
  CapacityLimiter: () => new CapacityLimiter(1),
}

describe.each(Object.entries(kinds))('acquireNowait of a %s', (_name, make) => {
  test('takes a free permit until it is released, and else throws WouldBlock', () => {
    const it = make()
    {
      using _ = it.acquireNowait()
      expect(it.statistics().holders).toBe(1)
      expect(() => it.acquireNowait()).toThrow(WouldBlock)
      expect(it.statistics()).toMatchObject({ holders: 1, waiters: 0 })
    }
    expect(it.statistics().holders).toBe(0)
    it.acquireNowait().release()
  })

  test('throws WouldBlock while another task waits or was woken', () =>
    runVirtual(async () => {
      const it = make()
      const held = it.acquireNowait()
      const hold = async (): Promise<void> => {
        using _ = await it.acquire()
        await sleep(1)
      }
      const holding = [createTask(hold), createTask(hold)]
      await sleep(1)
      held.release()
      expect(() => it.acquireNowait()).toThrow(WouldBlock)
      await holding[0]
      expect(() => it.acquireNowait()).toThrow(WouldBlock)
      await holding[1]
      it.acquireNowait().release()
      expect(it.statistics()).toMatchObject({ holders: 0, waiters: 0 })
    }))

  test('takes a hold whose release lets a waiting task go on', () =>
    runVirtual(async () => {
      const it = make()
      const held = it.acquireNowait()
      const waiting = createTask(() => it.acquire())
      await sleep(1)
      held.release()
      expect(it.statistics().waiters).toBe(1)
      await waiting
      expect(it.statistics()).toMatchObject({ holders: 1, waiters: 0 })
    }))
})

test('a WouldBlock error says what is missing and which call would wait for it', () => {
  const lock = new Lock()
  lock.acquireNowait()
  expect(() => lock.acquireNowait()).toThrow(
    'the lock is not free: await acquire(), or try again later',
  )
  const limiter = new CapacityLimiter(5)
  limiter.acquireNowait(3)
  expect(() => limiter.acquireNowait(3)).toThrow('3 of the capacity of 5 are not free')
  const error = new WouldBlock('nothing is there', 'something()')
  expect(error).toMatchObject({ name: 'WouldBlock', code: 'ERR_SYNC_WOULD_BLOCK' })
})

test('CapacityLimiter.acquireNowait takes a weight as a whole, and refuses a wrong weight', () => {
  const limiter = new CapacityLimiter(5)
  const held = limiter.acquireNowait(3)
  expect(limiter.available).toBe(2)
  expect(() => limiter.acquireNowait(3)).toThrow(WouldBlock)
  limiter.acquireNowait(2)
  held.release()
  expect(limiter.available).toBe(3)
  expect(() => limiter.acquireNowait(6)).toThrow(RangeError)
  expect(() => limiter.acquireNowait('1' as never)).toThrow(TypeError)
})

test('RateLimiter.acquireNowait takes tokens that are there, and throws WouldBlock while a task waits', () =>
  runVirtual(async () => {
    const limiter = new RateLimiter({ limit: 3, interval: 1000 })
    limiter.acquireNowait(2)
    expect(() => limiter.acquireNowait(2)).toThrow(WouldBlock)
    expect(limiter.statistics().available).toBe(1)
    const waiting = createTask(() => limiter.acquire(3))
    await sleep(1)
    expect(() => limiter.acquireNowait()).toThrow(WouldBlock)
    await waiting
    await sleep(1000)
    limiter.acquireNowait(3)
    expect(() => limiter.acquireNowait(4)).toThrow(RangeError)
  }))

test('sendNowait and receiveNowait of a Channel pass an item on without a wait, or say why they cannot', () => {
  const channel = new Channel<number>({ capacity: 1 })
  expect(() => channel.receiveNowait()).toThrow(WouldBlock)
  channel.sendNowait(1)
  expect(() => channel.sendNowait(2)).toThrow(WouldBlock)
  expect(channel.receiveNowait()).toBe(1)
  channel.sendNowait(3)
  channel.close()
  expect(() => channel.sendNowait(4)).toThrow(ChannelClosed)
  expect(channel.receiveNowait()).toBe(3)
  expect(() => channel.receiveNowait()).toThrow(EndOfChannel)
})

test('sendNowait gives its item to a waiting receiver, and receiveNowait lets a waiting sender in', () =>
  runVirtual(async () => {
    const direct = new Channel<number>({ capacity: 0 })
    expect(() => direct.sendNowait(0)).toThrow(WouldBlock)
    const receiving = createTask(() => direct.receive())
    await sleep(1)
    direct.sendNowait(1)
    expect(() => direct.sendNowait(2)).toThrow(WouldBlock)
    expect(await receiving).toBe(1)

    const full = new Channel<number>({ capacity: 1 })
    full.sendNowait(1)
    const sending = createTask(() => full.send(2))
    await sleep(1)
    expect(full.receiveNowait()).toBe(1)
    expect(() => full.sendNowait(3)).toThrow(WouldBlock)
    await sending
    expect(full.receiveNowait()).toBe(2)
  }))

test('receiveNowait does not overtake a receiver that was woken', () =>
  runVirtual(async () => {
    const channel = new Channel<number>({ capacity: 5 })
    const receiving = createTask(() => channel.receive())
    await sleep(1)
    channel.sendNowait(1)
    channel.sendNowait(2)
    expect(() => channel.receiveNowait()).toThrow(WouldBlock)
    expect(await receiving).toBe(1)
    expect(channel.receiveNowait()).toBe(2)
  }))
