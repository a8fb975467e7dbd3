// Compares asks and durable jobs, one after another, with the same steps over the NATS client alone.
// Run: node nats/round-trips.ts
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect as connectClient, headers, type NatsConnection } from '@nats-io/transport-node'
import { Actor, ActorSystem, child, silentLogger } from '@tasktree/actor'
import { run } from '@tasktree/core'
import { clusterTree, connect, remoteJobs } from '@tasktree/nats'
import { contest } from '../contest.ts'
import { Server } from './server.ts'

/** There are many short rounds, so that other work on the machine disturbs all contestants equally. */
const [asks, jobs, rounds] = [200, 50, 60]
/** The number of operations before the contest. After them V8 has compiled the code of all contestants. */
const warmUp = 4_000

class Adder extends Actor {
  add(a: number, b: number): number {
    return a + b
  }
}

const home = { add: (a: number, b: number): number => a + b }
const { add } = remoteJobs<typeof home>('home')
const bytes = new TextEncoder().encode('[1,2]')

/** Takes the messages of a stream and answers them. If `isDurable`, it also stores each result and confirms the message safely. */
async function serveRaw(client: NatsConnection, name: string, isDurable: boolean): Promise<void> {
  const manager = await jetstreamManager(client)
  await manager.streams.add({
    name,
    subjects: [`${name}.job`],
    retention: RetentionPolicy.Workqueue,
  })
  await manager.consumers.add(name, { durable_name: 'w', ack_policy: AckPolicy.Explicit })
  const results = await new Kvm(client).create(`${name}_result`)
  const consumer = await jetstream(client).consumers.get(name, 'w')
  const messages = await consumer.consume({ max_messages: 1 })
  void (async () => {
    for await (const message of messages) {
      if (isDurable) await results.create(message.headers?.get('Id') ?? '', message.data)
      client.publish(message.headers?.get('Reply') ?? '', message.data)
      if (isDurable) await message.ackAck()
      else message.ack()
    }
  })()
}

/** Makes a function that submits jobs one after another, and waits for each answer on one inbox subject. */
function rawSubmitter(client: NatsConnection, name: string): (count: number) => Promise<number> {
  const waiting = new Map<string, () => void>()
  const inbox = `_INBOX.${name}`
  client.subscribe(`${inbox}.*`, {
    callback: (_error, message) => waiting.get(message.subject)?.(),
  })
  const stream = jetstream(client)
  let sent = 0
  return async (count) => {
    for (let i = 0; i < count; i++) {
      const id = `${name}-${++sent}`
      const reply = `${inbox}.${sent}`
      const answered = new Promise<void>((resolve) => waiting.set(reply, resolve))
      const made = headers()
      made.set('Id', id)
      made.set('Reply', reply)
      await Promise.all([
        stream.publish(`${name}.job`, bytes, { msgID: id, headers: made }),
        answered,
      ])
      waiting.delete(reply)
    }
    return count
  }
}

const server = await Server.nats()
const servers = `nats://127.0.0.1:${server.port}`
const [one, two] = [await connectClient({ servers }), await connectClient({ servers })]
two.subscribe('raw', { callback: (_error, message) => message.respond(message.data) })
await serveRaw(two, 'plain', false)
await serveRaw(two, 'floor', true)

await run(async () => {
  const system: ActorSystem = await ActorSystem.start({
    name: 'node',
    logger: silentLogger,
    children: [
      child.actor('adder', Adder),
      clusterTree('tree', { servers, powerLossWarning: false }, (cluster) => [
        cluster.service('adder', () => system.lookup(Adder, 'adder')),
        cluster.worker('q', { home }),
      ]),
    ],
  })
  const cluster = await connect({ servers, powerLossWarning: false })
  const adder = cluster.lookup<Adder>('adder')
  const executor = cluster.executor('q')
  const submitRaw = rawSubmitter(one, 'floor')
  for (let i = 0; i < warmUp; i++) {
    await adder.ask.add(1, 2)
    await one.request('raw', bytes)
    await executor.submit(add, 1, 2)
    await submitRaw(1)
  }
  const text = await contest(
    [
      {
        title: 'an ask',
        against: 'nc.request',
        contestants: [
          {
            name: 'tasktree ask',
            operations: asks,
            work: async (count) => {
              for (let i = 0; i < count; i++) await adder.ask.add(1, 2)
              return count
            },
          },
          {
            name: 'nc.request',
            operations: asks,
            work: async (count) => {
              for (let i = 0; i < count; i++) await one.request('raw', bytes)
              return count
            },
          },
        ],
      },
      {
        title: 'a durable job',
        against: 'the same steps, client alone',
        contestants: [
          {
            name: 'tasktree submit',
            operations: jobs,
            work: async (count) => {
              for (let i = 0; i < count; i++) await executor.submit(add, 1, 2)
              return count
            },
          },
          {
            name: 'the same steps, client alone',
            operations: jobs,
            work: submitRaw,
          },
          { name: 'publish, consume, reply', operations: jobs, work: rawSubmitter(one, 'plain') },
        ],
      },
    ],
    undefined,
    rounds,
  )
  console.log(text)
  await cluster[Symbol.asyncDispose]()
  await system.stop()
})
await one.close()
await two.close()
await server.end()
