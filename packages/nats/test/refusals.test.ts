import { headers } from '@nats-io/transport-node'
import { jetstream } from '@nats-io/jetstream'
import { connect as connectClient } from '@nats-io/transport-node'
import { Actor, ActorSystem, FailedToStart, silentLogger } from '@tasktree/actor'
import { runVirtual } from '@tasktree/core/testing'
import {
  cluster,
  clusterTree,
  ConnectFailed,
  connect,
  jsonCodec,
  NoJetStream,
  PoisonedJob,
  remoteJobs,
} from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { describeWithServer, freePort, NatsServer } from './support/server.ts'
import { inTree, until } from './support/tree.ts'

class Sum extends Actor {
  sum = 0
  add(n: number): number {
    return (this.sum += n)
  }
}

const fail = (_data: Uint8Array): never => {
  throw new RangeError('no')
}
const home = { add: (a: number, b: number): number => a + b }
const { add } = remoteJobs<typeof home>('home')

test('wrong options are refused at the call', async () => {
  const refuse = (options: object): Promise<unknown> => thrown(connect(options))
  expect(String(await refuse({ namespace: '' }))).toMatch(/the option namespace must be a text/)
  expect(String(await refuse({ node: 7 }))).toMatch(/the option node must be a text/)
  expect(String(await refuse({ codec: {} }))).toMatch(/must have the functions encode and decode/)
  expect(String(await refuse({ connector: 7 }))).toMatch(/the option connector must be a function/)
  expect(() => cluster({}).entity('sum', Sum, { shutdown: 'x' as never })).toThrow(TypeError)
  expect(() => cluster({}).entity('sum', Sum, { shutdown: -1 })).toThrow(RangeError)
  for (const notActor of [Actor, Map, () => {}, undefined, 7] as never[]) {
    expect(() => cluster({}).entity('sum', notActor)).toThrow(/needs a class that extends Actor/)
  }
  for (const children of [undefined, []] as never[]) {
    expect(() => clusterTree('tree', {}, children)).toThrow(/needs a function that returns/)
  }
  expect(() => clusterTree('tree', {}, () => undefined as never)).toThrow(/must return a list/)
})

test('a resultTtl below one second is refused at the call', async () => {
  await runVirtual(async () => {
    await using cluster = await connect({ connector: new MemoryServer().connector })
    for (const resultTtl of [0, 0.5, 999, Number.NaN, -1]) {
      expect(() => cluster.executor('q', { resultTtl })).toThrow(RangeError)
    }
    expect(() => cluster.executor(7 as never)).toThrow(TypeError)
    // The snapshot does not ask the server for a queue whose name was refused.
    expect(Object.keys((await cluster.snapshot()).queues)).toEqual([])
  })
})

describeWithServer(
  'a cluster on a real server',
  (server) => {
    const options = (
      namespace: string,
    ): { servers: string; user: string; pass: string; namespace: string } => ({
      servers: server.url,
      user: 'me',
      pass: 'secret',
      namespace,
    })

    test('fails to connect with wrong credentials, with an error that says what to check', async () => {
      const error = await thrown(connect({ servers: server.url, user: 'me', pass: 'wrong' }))
      expect(error).toBeInstanceOf(ConnectFailed)
      expect((error as Error).message).toMatch(/the server refused the credentials: check user/)
      expect((error as Error).message).not.toMatch(/wrong/)
    })

    test('fails to connect to a port without a server, with an error that names the port', async () => {
      const servers = `nats://127.0.0.1:${await freePort()}`
      const error = await thrown(connect({ servers, timeout: 2_000 }))
      expect(error).toBeInstanceOf(ConnectFailed)
      expect((error as Error).message).toContain(servers)
    })

    test('that cannot be reached makes its tree fail to start', async () => {
      const servers = `nats://127.0.0.1:${await freePort()}`
      const starting = ActorSystem.start({
        name: 's',
        logger: silentLogger,
        children: [clusterTree('tree', { servers }, () => [])],
      })
      expect(await thrown(starting)).toBeInstanceOf(FailedToStart)
    })

    test(
      'fails to connect to a server without JetStream, with an error that says how to start one',
      { tags: 'slow' },
      async () => {
        await using plain = await NatsServer.start([])
        const error = await thrown(connect({ servers: plain.url }))
        expect(error).toBeInstanceOf(NoJetStream)
        expect((error as Error).message).toMatch(/nats-server -js -sd DIR/)
      },
    )

    test('makes a job with unreadable arguments a dead letter, and runs the next jobs', async () => {
      const where = options('unreadable')
      await inTree(
        where,
        (cluster) => [cluster.worker('q', { home })],
        async (cluster) => {
          const executor = cluster.executor('q')
          expect(await executor.submit(add, 1, 1)).toBe(2)
          const client = await connectClient({ servers: server.url, user: 'me', pass: 'secret' })
          const broken = headers()
          broken.set('Tasktree-Id', 'broken')
          broken.set('Tasktree-Job', 'home#add')
          const stream = jetstream(client)
          await stream.publish('unreadable.job.q', new Uint8Array([1, 2, 3]), { headers: broken })
          // This message is not a job.
          await stream.publish('unreadable.job.q', 'hello')
          await client.close()
          await until(async () => (await cluster.snapshot()).deadLetters === 1, 'the dead letter')
          expect(await executor.submit(add, 2, 2)).toBe(4)
          const known = executor.with({ id: 'broken' }).submit(add, 1, 1)
          expect(await thrown(known)).toBeInstanceOf(PoisonedJob)
          await until(async () => {
            const { waiting, running } = (await cluster.snapshot()).queues['q'] ?? {}
            return waiting === 0 && running === 0
          }, 'an empty queue')
        },
      )
    })

    test('makes a failed job as large as a message a dead letter, and runs the next jobs', async () => {
      const where = options('full-message')
      await inTree(
        where,
        (cluster) => [
          cluster.worker('q', { home: { fail } }, { retryIf: () => true, maxDeliver: 1 }),
        ],
        async (cluster) => {
          const executor = cluster.executor('q')
          const far = remoteJobs<{ fail: typeof fail }>('home')
          const outcomes = new Set<string>()
          for (let left = 0; left <= 2_000; left += 50) {
            const data = new Uint8Array(1_048_576 - left)
            outcomes.add(((await thrown(executor.submit(far.fail, data))) as Error).name)
          }
          expect(outcomes).toEqual(new Set(['PayloadTooLarge', 'PoisonedJob']))
          // This job comes from another program, and leaves no room for further headers.
          const client = await connectClient({ servers: server.url, user: 'me', pass: 'secret' })
          const full = headers()
          full.set('Tasktree-Id', 'full')
          full.set('Tasktree-Job', 'home#fail')
          const data = new Uint8Array(1_048_576 - 100)
          await jetstream(client).publish('full-message.job.q', data, { headers: full })
          await client.close()
          const known = executor.with({ id: 'full' }).submit(far.fail, new Uint8Array(1))
          expect(await thrown(known)).toBeInstanceOf(PoisonedJob)
          expect(await thrown(executor.submit(far.fail, new Uint8Array(1)))).toBeInstanceOf(
            PoisonedJob,
          )
        },
      )
    })

    test('goes on when another program sends garbage to its entities', async () => {
      const where = options('garbage')
      const state = {
        save: (sum: Sum) => sum.sum,
        load: (sum: Sum, value: number) => void (sum.sum = value),
      }
      await inTree(
        where,
        (cluster) => [
          cluster.entity('plain', Sum, { shards: 1 }),
          cluster.entity('durable', Sum, { shards: 1, state }),
        ],
        async (cluster) => {
          const client = await connectClient({ servers: server.url, user: 'me', pass: 'secret' })
          const add = (type: string): PromiseLike<number> =>
            cluster.ref<Sum>(type, 'key').ask({ timeout: 10_000 }).add(1)
          expect([await add('plain'), await add('durable')]).toEqual([1, 1])
          for (const subject of ['host.plain', 'rpc.plain.0.=ZZ', 'rpc.plain.0.key']) {
            client.publish(`garbage.${subject}`, 'garbage', { reply: 'nowhere' })
          }
          for (const subject of ['mbx.durable.0.=ZZ', 'mbx.durable.0.key']) {
            client.publish(`garbage.${subject}`, 'garbage')
            client.publish(`garbage.${subject}`, 'ask - 1 add\n')
          }
          await client.flush()
          expect([await add('plain'), await add('durable')]).toEqual([2, 2])
          await until(async () => {
            const { entities } = await cluster.snapshot()
            return entities['durable']?.waiting === 0
          }, 'empty mailboxes')
          await client.close()
        },
      )
    })

    test('goes on when another program sends a job with odd headers to its queue', async () => {
      const where = { ...options('foreign'), codec: jsonCodec }
      await inTree(
        where,
        (cluster) => [cluster.worker('q', { home }, { unknownAfter: 100 })],
        async (cluster) => {
          const executor = cluster.executor('q')
          expect(await executor.submit(add, 1, 1)).toBe(2)
          const client = await connectClient({ servers: server.url, user: 'me', pass: 'secret' })
          const stream = jetstream(client)
          const body = where.codec.encode([1, 2])
          const bad = [
            ['Id', ''],
            ['Id', 'two words'],
            ['Id', 'a.*.>'],
            ['Id', 'x'.repeat(500)],
            ['Job', ''],
            ['Job', '#'],
            ['Result-Ttl', '0.5'],
            ['Result-Ttl', '-7'],
            ['Result-Ttl', '1e21'],
            ['Result-Ttl', 'soon'],
            ['Deadline', '-1'],
            ['Deadline', 'never'],
            ['Not-Before', 'x'],
            ['Reply', 'two words'],
            ['Reply', '>'],
            ['Reply', 'a..b'],
            ['Put-Back', '-1'],
            ['After', '1.5'],
            ['Chunked', 'no'],
          ] as const
          for (const [i, [name, value]] of bad.entries()) {
            const broken = headers()
            const all = { Id: `id-${i}`, Job: 'home#add', [name]: value }
            for (const [key, text] of Object.entries(all)) broken.set(`Tasktree-${key}`, text)
            await stream.publish('foreign.job.q', body, { headers: broken })
          }
          await client.close()
          expect(await executor.submit(add, 2, 2)).toBe(4)
          await until(async () => {
            const { waiting, running } = (await cluster.snapshot()).queues['q'] ?? {}
            return waiting === 0 && running === 0
          }, 'an empty queue')
        },
      )
    })

    test('runs jobs with jsonCodec, and refuses arguments that JSON cannot encode', async () => {
      await inTree(
        { ...options('json'), codec: jsonCodec },
        (cluster) => [cluster.worker('q', { home })],
        async (cluster) => {
          const executor = cluster.executor('q')
          expect(await executor.submit(add, 1, 2)).toBe(3)
          const error = await thrown(executor.submit(add, 1n as never, 2))
          expect((error as Error).name).toBe('JobSerializationError')
        },
      )
    })

    test.for([1_000 / 3, 1_000.5, 1e13])(
      'rounds a time that the server cannot count: %d ms',
      async (ms) => {
        await inTree(
          options(`rounded-${Math.ceil(ms)}`),
          (cluster) => [
            cluster.worker('q', { home }, { ackWait: ms }),
            cluster.entity('sum', Sum, { shards: 1, lease: ms }),
          ],
          async (cluster) => {
            expect(await cluster.executor('q', { resultTtl: 1_000 + ms }).submit(add, 1, 2)).toBe(3)
            expect(await cluster.ref<Sum>('sum', 'a').ask.add(1)).toBe(1)
          },
        )
      },
    )

    test('takes any characters in the names of namespaces, nodes, queues, services and entity types', async () => {
      const odd = 'a.b *>/é\u{1F600}='
      await inTree(
        { ...options(odd), node: odd },
        (own) => [
          own.worker(odd, { home }),
          own.entity(odd, Sum, { shards: 1 }),
          own.service(odd, () => null),
        ],
        async (own) => {
          expect((await own.nodes())[0]?.services).toEqual([odd])
          expect(await own.executor(odd, { resultTtl: 5_000 }).submit(add, 1, 2)).toBe(3)
          expect(await own.ref<Sum>(odd, odd).ask.add(1)).toBe(1)
          expect((await own.nodes()).map(({ node }) => node)).toContain(odd)
        },
      )
    })

    test('does not meet a cluster with another namespace on the same server', async () => {
      await using one = await connect(options('one'))
      await using two = await connect(options('two'))
      expect((await one.nodes()).map(({ node }) => node)).toEqual([one.node])
      expect((await two.nodes()).map(({ node }) => node)).toEqual([two.node])
    })
  },
  ['-js', '--user', 'me', '--pass', 'secret'],
)
