import { createTask, run, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'
import type { Bus, Delivery, PullListener, ReaderSettings } from '../src/bus/bus.ts'
import type { Link, LinkStatus } from '../src/link/link.ts'
import { PullLoop } from '../src/link/pull-loop.ts'

test('a worker whose jobs end one by one makes few requests to the server', () =>
  run(async () => {
    const requests: number[] = []
    let listener = null as PullListener | null
    const bus = {
      status: 'connected',
      now: () => 0,
      openConsumer: () => Promise.resolve(),
      pull: (_stream: string, _name: string, given: PullListener) => {
        listener = given
        return { request: (count: number) => void requests.push(count), close: () => {} }
      },
    } as unknown as Bus
    const link = {
      onStatus: () => () => {},
      connected: async () => bus,
      insist: async (work: (bus: Bus) => PromiseLike<unknown>) => work(bus),
    } as unknown as Link
    const receiver = { room: 1, take: () => void receiver.room-- }
    const settings = { stream: 's', name: 'workers', subject: 's', ackWait: 1_000 }
    const loop = new PullLoop(link, settings, receiver)
    const pulling = createTask(() => loop.run())
    await sleep(1)
    for (let place = 2; place <= 600; place++) {
      receiver.room = place
      loop.roomier()
    }
    await sleep(1)
    expect(requests).toEqual([1, 1, 1, 1])
    // The first message ends the first request. The next request asks for messages for all places that are free by then.
    listener?.onDelivery({} as Delivery)
    await sleep(1)
    expect(requests).toEqual([1, 1, 1, 1, 596])
    // All requests expire.
    for (const count of [1, 1, 1, 596]) listener?.onExpired(count)
    await sleep(1)
    expect(requests.slice(5).reduce((all, each) => all + each)).toBe(receiver.room)
    pulling.cancel()
  }))

test('a connection that was lost and is back in the same turn gets a new consumer', () =>
  run(async () => {
    const opened: string[] = []
    let report: (status: LinkStatus) => void = () => {}
    let closed = 0
    const bus = {
      status: 'connected',
      now: () => 0,
      openConsumer: ({ name }: ReaderSettings) => Promise.resolve(void opened.push(name)),
      pull: () => ({ request: () => {}, close: () => void closed++ }),
    } as unknown as Bus
    const link = {
      onStatus: (listener: typeof report) => {
        report = listener
        return () => {}
      },
      connected: async () => bus,
      insist: async (work: (bus: Bus) => PromiseLike<unknown>) => work(bus),
    } as unknown as Link
    const settings = () => ({ stream: 's', name: `${opened.length}`, subject: 's', from: 1 })
    const loop = new PullLoop(link, settings, { room: 1, take: () => {} })
    const pulling = createTask(() => loop.run())
    await sleep(1)
    expect([opened, closed]).toEqual([['0'], 0])
    report('disconnected')
    report('connected')
    await sleep(1)
    expect([opened, closed]).toEqual([['0', '1'], 1])
    pulling.cancel()
  }))
