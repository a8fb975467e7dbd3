import { createTask, gather, run, sleep, type Task, timeout } from '@tasktree/core'
import { explore, runVirtual } from '@tasktree/core/testing'
import { Channel, ChannelClosed, EndOfChannel } from '@tasktree/sync'
import { expect, test } from 'vitest'

test('a Channel gives its items in order, and makes a sender wait when it is full', () =>
  runVirtual(async () => {
    const channel = new Channel<number>({ capacity: 2 })
    const sending = createTask(async () => {
      for (let i = 0; i < 5; i++) await channel.send(i)
      channel.close()
    })
    await sleep(1)
    expect(channel.statistics()).toMatchObject({ size: 2, senders: 1, receivers: 0 })
    const got: number[] = []
    for await (const item of channel) got.push(item)
    expect(got).toEqual([0, 1, 2, 3, 4])
    await sending
  }))

test('send on a Channel with capacity 0 ends when a receiver takes the item', () =>
  runVirtual(async () => {
    const channel = new Channel<string>({ capacity: 0 })
    const sending = createTask(() => channel.send('a'))
    await sleep(1)
    expect(sending.done()).toBe(false)
    expect(await channel.receive()).toBe('a')
    await sending
    expect(channel.statistics()).toEqual({
      size: 0,
      capacity: 0,
      senders: 0,
      receivers: 0,
      openHandles: 1,
    })
  }))

test('a Channel ends when its last handle is closed and all sent items are received', () =>
  runVirtual(async () => {
    const channel = new Channel<string>({ capacity: 10 })
    const clone = channel.clone()
    await channel.send('a')
    channel.close()
    channel.close()
    await clone.send('b')
    clone.close()
    expect([await channel.receive(), await clone.receive()]).toEqual(['a', 'b'])
    await expect(channel.receive()).rejects.toBeInstanceOf(EndOfChannel)
    await expect(channel.send('c')).rejects.toBeInstanceOf(ChannelClosed)
    expect(() => channel.clone()).toThrow(ChannelClosed)
  }))

test('closing a Channel handle wakes waiting receivers, and fails only the senders of this handle', () =>
  runVirtual(async () => {
    const empty = new Channel<number>({ capacity: 1 })
    const receiving = createTask(() => empty.receive())
    await sleep(1)
    empty.close()
    await expect(receiving).rejects.toBeInstanceOf(EndOfChannel)

    const full = new Channel<number>({ capacity: 0 })
    const clone = full.clone()
    const doomed = createTask(() => full.send(1))
    const other = createTask(() => clone.send(2))
    await sleep(1)
    full.close()
    await expect(doomed).rejects.toBeInstanceOf(ChannelClosed)
    expect(await clone.receive()).toBe(2)
    await other
  }))

test('a cancelled send puts no item into a Channel, and a cancelled receive takes none', () =>
  runVirtual(async () => {
    const channel = new Channel<number>({ capacity: 1 })
    await channel.send(1)
    const sending = createTask(() => channel.send(2))
    await sleep(1)
    sending.cancel()
    await sleep(1)
    expect(await channel.receive()).toBe(1)

    const receiving = createTask(() => channel.receive())
    const next = createTask(() => channel.receive())
    await sleep(1)
    await channel.send(3)
    receiving.cancel()
    expect(await next).toBe(3)
    expect(receiving.cancelled()).toBe(true)
    await expect(timeout(1, async () => channel.receive())).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  }))

test('an item whose receiver is cancelled at the hand-over goes to the next receiver of the Channel', () =>
  runVirtual(async () => {
    const channel = new Channel<number>({ capacity: 0 })
    const first = createTask(() => channel.receive())
    const second = createTask(() => channel.receive())
    await sleep(1)
    const sending = channel.send(1)
    first.cancel()
    expect(await second).toBe(1)
    await sending
    expect(first.cancelled()).toBe(true)
    expect(channel.statistics()).toMatchObject({ size: 0, senders: 0, receivers: 0 })
  }))

test('room whose sender is cancelled at the hand-over goes to the next sender of the Channel', () =>
  runVirtual(async () => {
    const channel = new Channel<number>({ capacity: 1 })
    await channel.send(0)
    const first = createTask(() => channel.send(1))
    const second = createTask(() => channel.send(2))
    await sleep(1)
    expect(await channel.receive()).toBe(0)
    first.cancel()
    await second
    expect(first.cancelled()).toBe(true)
    expect(await channel.receive()).toBe(2)
  }))

test.each([0, 1, 3])(
  'a Channel loses and doubles no item under any schedule (capacity %i)',
  async (capacity) => {
    await explore(
      async () => {
        const channel = new Channel<number>({ capacity })
        const sent: number[] = []
        const got: number[] = []
        const handles = [channel, channel.clone()]
        const producers = handles.map((mine, index) => {
          const base = index * 10
          return createTask(async () => {
            for (let i = 0; i < 3; i++) {
              await mine.send(base + i)
              sent.push(base + i)
            }
          })
        })
        const consumers = [0, 1].map(() =>
          createTask(async () => {
            for (;;) got.push(await channel.receive())
          }),
        )
        const killer = createTask(async () => {
          await sleep(0)
          consumers[0]?.cancel()
          await sleep(0)
          producers[1]?.cancel()
        })
        await gather([...producers, killer], { returnExceptions: true })
        for (const handle of handles) handle.close()
        await gather(consumers, { returnExceptions: true })
        // A send that is cancelled after its item was received still throws the cancel. So the receivers may have more items than
        // `sent`, but none twice.
        expect(new Set(got).size).toBe(got.length)
        for (const item of sent) expect(got).toContain(item)
        expect(channel.statistics()).toMatchObject({ size: 0, senders: 0, receivers: 0 })
      },
      { seeds: 1000 },
    )
  },
)

test('closing a Channel handle fails all its waiting senders, and no sender of another handle', () =>
  runVirtual(async () => {
    const mine = new Channel<string>({ capacity: 1 })
    const other = mine.clone()
    await mine.send('first')
    const sending = ['a', 'b', 'c', 'd'].map((item, i) =>
      createTask(() => (i % 2 === 0 ? mine : other).send(item)),
    )
    const cancelled = createTask(() => mine.send('e'))
    await sleep(1)
    cancelled.cancel()
    // This gives room to one waiting sender, which has not run yet.
    expect(mine.receiveNowait()).toBe('first')
    mine.close()
    await expect(sending[0]).rejects.toBeInstanceOf(ChannelClosed)
    await expect(sending[2]).rejects.toBeInstanceOf(ChannelClosed)
    expect([await other.receive(), await other.receive()]).toEqual(['b', 'd'])
    await gather([sending[1] as Task, sending[3] as Task])
    expect(other.statistics()).toMatchObject({ size: 0, senders: 0, receivers: 0 })
  }))

test('new Channel refuses wrong capacities', () => {
  expect(() => new Channel({ capacity: -1 })).toThrow(RangeError)
  expect(() => new Channel(3 as never)).toThrow(TypeError)
  expect(() => new Channel({} as never)).toThrow('the option capacity must be a number')
})

test('a generator coroutine can send to a Channel and receive from it', () =>
  run(function* () {
    const channel = new Channel<string>({ capacity: 1 })
    yield* channel.send('x')
    expect(yield* channel.receive()).toBe('x')
  }))

test('send on a closed Channel handle throws an error that suggests clone()', async () => {
  const channel = new Channel<number>({ capacity: 1 })
  channel.close()
  await expect(channel.send(1)).rejects.toThrow(
    'give each sender a handle of its own, made by clone()',
  )
})
