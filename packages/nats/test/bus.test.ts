/** Tests the behaviour of a server on which the package relies, on a real server and on the server in memory. */
import { cancelTasks, createTask, Future, gather, run, waitFor } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { MemoryServer } from '@tasktree/nats/testing'
import { describe, expect, test } from 'vitest'
import { type Bus, type Delivery, idHeader, type Puller } from '../src/bus/bus.ts'
import { connectNats } from '../src/bus/connect-nats.ts'
import { BusTimeout, PayloadTooLarge, StreamFull } from '../src/errors.ts'
import { thrown } from '../../../vitest.thrown.ts'
import { describeWithServer, NatsServer } from './support/server.ts'
import { until } from './support/tree.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value)

/** Checks that each call that needs an answer fails at once while the connection is lost, and is not made later. */
async function checkLost(bus: Bus, lose: () => Promise<void>, restore: () => Promise<void>) {
  const stream = { name: 'lost', subjects: ['lost.x'], retention: 'work' } as const
  const bucket = await bus.openBucket('lost')
  await bucket.put('key', bytes('a'))
  await lose()
  const errors = await gather(
    [
      async () => bus.flush(),
      async () => bus.openStream(stream),
      async () =>
        bus.openConsumer({ stream: 'lost', name: 'c', subject: 'lost.x', ackWait: 1_000 }),
      async () => bus.append('lost.x', bytes('a'), { id: '1' }),
      async () => bus.deleteMessage('lost', 1, '1'),
      async () => bus.readHeaders('lost', 1, '1'),
      async () => bus.streamState('lost'),
      async () => bus.openBucket('other'),
      async () => bucket.put('key', bytes('b')),
      async () => bucket.create('key', bytes('b')),
      async () => bucket.update('key', bytes('b'), 1),
      async () => bucket.get('key'),
      async () => bucket.delete('key'),
      async () => bucket.keys(),
    ].map((call) => createTask(async () => waitFor(thrown(call()), 3_000))),
  )
  for (const error of errors) expect(error).toBeInstanceOf(BusTimeout)
  await restore()
  await bus.flush()
  expect(text((await bucket.get('key'))?.value)).toBe('a')
  expect(await bus.streamState('lost')).toBeNull()
}

interface Home {
  /** Runs `body` with a bus of a new connection. */
  use(body: (bus: Bus) => Promise<void>): Promise<void>
}

/** A server that can be killed and started again. It then gives the sequence of a deleted message to the next message. */
interface Mortal {
  /** Called while the stream is empty, before it gets the message whose sequence is given away. */
  remember(stream: string): void
  /** Called while the stream is empty again. Settles when the bus is connected again. */
  restart(bus: Bus): Promise<void>
}

const retentions = ['work', 'limits'] as const

/** Checks that a request about a deleted message does nothing to a later message with the same sequence. */
async function checkReuse(bus: Bus, retention: (typeof retentions)[number], mortal: Mortal) {
  const [name, subject] = ['reused', 'reused.x']
  await bus.openStream({ name, subjects: [subject], retention })
  const settings = { stream: name, name: 'reader', subject }
  await bus.openConsumer(
    retention === 'work' ? { ...settings, ackWait: 30_000 } : { ...settings, from: 1 },
  )
  const delivered = new Future<Delivery>()
  const puller = bus.pull(name, 'reader', {
    onDelivery: (delivery) => {
      if (delivery.header(idHeader) === '2') delivered.setResult(delivery)
    },
    onExpired: () => {},
    onHeartbeat: () => {},
    onBroken: () => {},
  })
  puller.request(2)
  const { sequence: first } = await bus.append(subject, bytes('a'), { id: '1' })
  await bus.deleteMessage(name, first, '1')
  mortal.remember(name)
  const { sequence } = await bus.append(subject, bytes('b'), { id: '2' })
  const old = await delivered
  await bus.deleteMessage(name, sequence, '2')
  await mortal.restart(bus)
  expect(await bus.append(subject, bytes('c'), { id: '3' })).toEqual({ sequence, duplicate: false })
  old.term()
  if (retention === 'work') await old.ack()
  else expect(await old.remove()).toBe(false)
  expect(await bus.deleteMessage(name, sequence, '2')).toBe(false)
  await bus.flush()
  expect(await bus.streamState(name)).toMatchObject({ messages: 1 })
  expect(await bus.deleteMessage(name, sequence, '3')).toBe(true)
  puller.close()
}

function semantics(home: () => Home): void {
  test(
    'a message that is on its way when its puller closes arrives there or at another puller',
    { tags: 'slow' },
    async () => {
      await home().use(async (bus) => {
        const [name, subject] = ['ended', 'ended.x']
        await bus.openStream({ name, subjects: [subject], retention: 'work' })
        // The server would deliver a lost message again only after an hour (of virtual time, for the server in memory).
        const ackWait = 3_600_000
        await bus.openConsumer({ stream: name, name: 'c', subject, ackWait })
        const startedAt = bus.now()
        for (let round = 0; round < 20; round++) {
          const missing = new Set<string>()
          const done = new Future<void>()
          const pull = (onDelivery: (delivery: Delivery) => void): Puller =>
            bus.pull(name, 'c', {
              onDelivery,
              onExpired: () => {},
              onHeartbeat: () => {},
              onBroken: () => {},
            })
          const take = (delivery: Delivery): void => {
            delivery.term()
            expect(missing.delete(delivery.header(idHeader) ?? '')).toBe(true)
            if (missing.size === 0) done.setResult()
          }
          let hasEnded = false
          const first = pull((delivery) => (hasEnded ? delivery.nak() : take(delivery)))
          const appended: PromiseLike<unknown>[] = []
          for (let i = 0; i < 20; i++) {
            const id = `${round}-${i}`
            missing.add(id)
            appended.push(bus.append(subject, bytes(id), { id }))
          }
          first.request(10)
          await appended[round]
          hasEnded = true
          first.close()
          const second = pull(take)
          second.request(20)
          await done
          await gather(appended.map((each) => createTask(async () => each)))
          second.close()
        }
        expect(bus.now() - startedAt).toBeLessThan(ackWait)
      })
    },
  )

  test(
    'create() of a key returns null unless the key is new or was deleted',
    { tags: 'slow' },
    async () => {
      await home().use(async (bus) => {
        const bucket = await bus.openBucket('created')
        const first = await bucket.create('key', bytes('a'))
        expect(first).toBeGreaterThan(0)
        expect(await bucket.create('key', bytes('b'))).toBeNull()
        expect(text((await bucket.get('key'))?.value)).toBe('a')
        await bucket.delete('key')
        expect(await bucket.get('key')).toBeNull()
        const second = await bucket.create('key', bytes('c'))
        expect(second).toBeGreaterThan(first as number)
        expect(await bucket.create('key', bytes('d'))).toBeNull()
        expect(text((await bucket.get('key'))?.value)).toBe('c')
      })
    },
  )

  test('update() of a key needs the current revision of the entry', async () => {
    await home().use(async (bus) => {
      const bucket = await bus.openBucket('updated')
      const first = await bucket.put('key', bytes('a'))
      const second = await bucket.update('key', bytes('b'), first)
      expect(second).toBeGreaterThan(first)
      expect(await bucket.update('key', bytes('c'), first)).toBeNull()
      const entry = await bucket.get('key')
      expect(entry?.revision).toBe(second)
      expect(text(entry?.value)).toBe('b')
      expect(await bucket.keys()).toEqual(['key'])
    })
  })

  test(
    'keys() of a bucket gives the keys without the deleted keys while other code writes',
    { tags: 'slow' },
    async () => {
      await home().use(async (bus) => {
        const bucket = await bus.openBucket('listed')
        await bucket.put('one', bytes('a'))
        await bucket.put('two', bytes('a'))
        await bucket.put('gone', bytes('a'))
        await bucket.delete('gone')
        const writing = createTask(async (): Promise<never> => {
          for (;;) await bucket.put('one', bytes('b'))
        })
        for (let i = 0; i < 50; i++) {
          expect((await bucket.keys()).toSorted()).toEqual(['one', 'two'])
        }
        await cancelTasks([writing])
      })
    },
  )

  test('a stream stores each message id once, and refuses messages beyond maxMessages', async () => {
    await home().use(async (bus) => {
      const name = 'stored'
      await bus.openStream({ name, subjects: ['stored.x'], retention: 'work', maxMessages: 2 })
      const first = await bus.append('stored.x', bytes('a'), { id: '1' })
      expect(first.duplicate).toBe(false)
      expect(await bus.append('stored.x', bytes('a'), { id: '1' })).toEqual({
        sequence: first.sequence,
        duplicate: true,
      })
      await bus.append('stored.x', bytes('b'), { id: '2', headers: { Some: 'header' } })
      expect(await thrown(bus.append('stored.x', bytes('c'), { id: '3' }))).toBeInstanceOf(
        StreamFull,
      )
      const large = new Uint8Array(bus.maxPayload + 1)
      expect(await thrown(bus.append('stored.x', large, { id: '4' }))).toBeInstanceOf(
        PayloadTooLarge,
      )
      expect(await bus.readHeaders(name, first.sequence + 1, '2')).toMatchObject({ Some: 'header' })
      expect(await bus.readHeaders(name, first.sequence, '1')).not.toHaveProperty('Some')
      expect(await bus.readHeaders(name, first.sequence, '2')).toBeNull()
      expect(await bus.deleteMessage(name, first.sequence, 'another')).toBe(false)
      expect(await bus.deleteMessage(name, first.sequence, '1')).toBe(true)
      expect(await bus.deleteMessage(name, first.sequence, '1')).toBe(false)
      expect(await bus.readHeaders(name, first.sequence, '1')).toBeNull()
      expect(await bus.readHeaders('no-such-stream', 1, '1')).toBeNull()
      expect(await bus.streamState(name)).toEqual({ messages: 1, pending: 0 })
    })
  })
}

describe('the server in memory', () => {
  semantics(() => ({
    use: (body) => runVirtual(async () => body(await new MemoryServer({ seed: 1 }).connector())),
  }))

  test.each(retentions)(
    'a message id whose message was lost in a power loss can be stored again: retention %s',
    { tags: 'slow' },
    async (retention) => {
      await runVirtual(async () => {
        const server = new MemoryServer({ seed: 1 })
        await checkReuse(await server.connector(), retention, {
          remember: () => {},
          restart: async () => {
            server.restart()
            server.connections[0]?.restore()
          },
        })
      })
    },
  )
})

test('calls to the server in memory fail at once while the connection is lost', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    const bus = await server.connector()
    const lose = async (): Promise<void> => server.connections[0]?.cut()
    const restore = async (): Promise<void> => server.connections[0]?.restore()
    await checkLost(bus, lose, restore)
  }))

describeWithServer('the real server', (server) => {
  const use: Home['use'] = (body) =>
    run(async () => {
      const bus = await connectNats(
        { servers: server.url },
        { replicas: 1, powerLossWarning: false },
      )
      try {
        await body(bus)
      } finally {
        await bus.close()
      }
    })

  semantics(() => ({ use }))

  test('a message that is given back with an endless delay is not delivered again at once', async () => {
    await use(async (bus) => {
      const stream = 'endless'
      await bus.openStream({ name: stream, subjects: ['endless.x'], retention: 'work' })
      await bus.openConsumer({ stream, name: 'c', subject: 'endless.x', ackWait: 30_000 })
      const seen: number[] = []
      const last = new Future<void>()
      const puller = bus.pull(stream, 'c', {
        onDelivery: (delivery) => {
          seen.push(delivery.sequence)
          if (delivery.sequence === 4) last.setResult()
          else delivery.nak([1e18, Infinity, 1e9 / 3][delivery.sequence - 1])
        },
        onExpired: () => {},
        onHeartbeat: () => {},
        onBroken: () => {},
      })
      puller.request(10)
      for (const id of ['1', '2', '3', '4']) {
        await bus.append('endless.x', bytes(id), { id })
        await bus.flush()
      }
      await last
      await bus.flush()
      puller.close()
      expect(seen).toEqual([1, 2, 3, 4])
    })
  })

  test('readHeaders() gives the headers of a message as large as the server allows', async () => {
    await use(async (bus) => {
      const name = 'largest'
      await bus.openStream({ name, subjects: ['largest.x'], retention: 'work' })
      const data = new Uint8Array(bus.maxPayload - 1_000)
      const { sequence } = await bus.append('largest.x', data, { id: '1', headers: { Some: 'a' } })
      expect(await bus.readHeaders(name, sequence, '1')).toMatchObject({ Some: 'a' })
    })
  })

  test.for(retentions)(
    'a message id whose message was lost in a power loss can be stored again: retention %s',
    { tags: 'slow' },
    async (retention, { skip }) => {
      await using mortal = await NatsServer.start()
      await run(async () => {
        const bus = await connectNats(
          { servers: mortal.url },
          { replicas: 1, powerLossWarning: false },
        )
        let forget: () => void = () => {}
        try {
          await checkReuse(bus, retention, {
            remember: (stream) => {
              forget =
                mortal.rememberSequences(stream) ??
                skip('this nats-server does not reuse sequences')
            },
            restart: async () => {
              await mortal.kill()
              forget()
              await until(() => bus.status === 'disconnected', 'the loss of the connection')
              await mortal.restart()
              await until(() => bus.status === 'connected', 'the connection')
            },
          })
        } finally {
          await bus.close()
        }
      })
    },
  )

  test('calls fail at once while the connection is lost', { tags: 'slow' }, async () => {
    await using mortal = await NatsServer.start()
    await run(async () => {
      const bus = await connectNats(
        { servers: mortal.url },
        { replicas: 1, powerLossWarning: false },
      )
      const reach = (status: Bus['status']): Promise<void> =>
        until(() => bus.status === status, `the status ${status}`)
      try {
        await checkLost(
          bus,
          async () => {
            await mortal.kill()
            await reach('disconnected')
          },
          async () => {
            await mortal.restart()
            await reach('connected')
          },
        )
      } finally {
        await bus.close()
      }
    })
  })

  test('two programs open a stream at the same time with different limits', async () => {
    await use(async (one) => {
      const two = await connectNats(
        { servers: server.url },
        { replicas: 1, powerLossWarning: false },
      )
      try {
        for (let n = 0; n < 20; n++) {
          const name = `opened-${n}`
          const opening = [one, two].map((bus, i) =>
            createTask(async () =>
              bus.openStream({ name, subjects: [name], retention: 'work', maxMessages: 10 + i }),
            ),
          )
          await gather(opening)
        }
      } finally {
        await two.close()
      }
    })
  })

  test('a message for a subject that no stream stores fails at once', async () => {
    await use(async (bus) => {
      const error = await thrown(bus.append('nobody.x', bytes('a'), { id: '1' }))
      expect(error).toBeInstanceOf(BusTimeout)
      expect((error as Error).message).toContain('nobody takes it now')
    })
  })

  test('calls that wait for an answer fail when the connection is closed', async () => {
    await run(async () => {
      const bus = await connectNats(
        { servers: server.url },
        { replicas: 1, powerLossWarning: false },
      )
      const bucket = await bus.openBucket('closed')
      server.signal('SIGSTOP')
      try {
        const waiting = bucket.put('key', bytes('a'))
        const closing = bus.close()
        // `close` waits for an answer of the server, so the paused server must continue.
        server.signal('SIGCONT')
        await closing
        expect(waiting.done()).toBe(true)
        await Promise.allSettled([waiting])
        expect(await thrown(bucket.put('key', bytes('b')))).toMatchObject({
          name: 'ClusterClosed',
        })
      } finally {
        server.signal('SIGCONT')
      }
    })
  })
})
