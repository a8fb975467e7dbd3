// Measures durable messages, activations and take-overs of entities and singletons. Run: node nats/entities.ts
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect as connectClient, type NatsConnection } from '@nats-io/transport-node'
import { Actor, ActorSystem, child, type ChildSpec, silentLogger } from '@tasktree/actor'
import { Future, run, runMain, sleep, sleepForever } from '@tasktree/core'
import { type Cluster, clusterTree, connect, type StateCodec } from '@tasktree/nats'
import { contest } from '../contest.ts'
import { median } from '../measure.ts'
import { Server } from './server.ts'

const [messages, activations, takeOvers] = [500, 300, 7]
const lease = 1_000

class Counter extends Actor {
  #count = 0
  static readonly state: StateCodec<Counter, number> = {
    save: (counter) => counter.#count,
    load: (counter, count) => {
      counter.#count = count
    },
  }
  add(n: number): number {
    this.#count += n
    return this.#count
  }
}

/**
 * Serves durable messages with the NATS client alone, by the steps that no implementation can leave out: append, deliver, write
 * the state by compare-and-set, answer, delete. Returns a function that sends `count` messages one after another.
 */
async function serveRaw(client: NatsConnection): Promise<(count: number) => Promise<number>> {
  const manager = await jetstreamManager(client)
  await manager.streams.add({ name: 'raw', subjects: ['raw.*'] })
  const states = await new Kvm(client).create('raw_state')
  let revision = await states.create('a', '0')
  const consumer = await jetstream(client).consumers.get('raw')
  const delivered = await consumer.consume({ max_messages: 100 })
  void (async () => {
    for await (const message of delivered) {
      revision = await states.update('a', message.data, revision)
      client.publish('_INBOX.raw', message.data)
      void manager.streams.deleteMessage('raw', message.seq, false)
    }
  })()
  const stream = jetstream(client)
  let onAnswer = (): void => {}
  client.subscribe('_INBOX.raw', { callback: () => onAnswer() })
  let sent = 0
  return async (count) => {
    for (let i = 0; i < count; i++) {
      const answered = new Promise<void>((resolve) => (onAnswer = resolve))
      await Promise.all([stream.publish('raw.a', '1', { msgID: `raw-${++sent}` }), answered])
    }
    return count
  }
}

function startNode(
  servers: string,
  children: (cluster: Cluster) => ChildSpec[],
): Promise<ActorSystem> {
  return ActorSystem.start({
    name: 'node',
    logger: silentLogger,
    children: [clusterTree('tree', { servers, powerLossWarning: false }, children)],
  })
}

/** Makes a singleton that calls `started` when it runs. */
function singleton(cluster: Cluster, id: string, started: () => void): ChildSpec {
  const work = child.task('work', async () => {
    started()
    await sleepForever()
  })
  return cluster.singleton(id, work, { lease })
}

/**
 * Returns the milliseconds from the beginning of an orderly stop, or from a kill of the process, until another node runs the
 * singleton.
 */
async function measureTakeOver(servers: string, id: string, isKilled: boolean): Promise<number> {
  const victim = spawn(process.execPath, [import.meta.filename, servers, id], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(victim.stdout, 'data')
  const takenOver = new Future<number>()
  const second = await startNode(servers, (own) => [
    singleton(own, id, () => takenOver.setResult(performance.now())),
  ])
  await sleep(lease)
  const endedAt = performance.now()
  victim.kill(isKilled ? 'SIGKILL' : 'SIGTERM')
  const startedAt = await takenOver
  await second.stop()
  return startedAt - endedAt
}

const [, , victimServers, victimId] = process.argv
if (victimServers !== undefined && victimId !== undefined) {
  await runMain(async () => {
    const system = await startNode(victimServers, (own) => [
      singleton(own, victimId, () => console.log('running')),
    ])
    await system.done
  })
  process.exit()
}

const server = await Server.nats()
const servers = `nats://127.0.0.1:${server.port}`
const client = await connectClient({ servers })

await run(async () => {
  const system = await startNode(servers, (own) => [
    own.entity('durable', Counter, { state: Counter.state }),
    own.entity('memory', Counter),
  ])
  const cluster = await connect({ servers, powerLossWarning: false })
  const durable = cluster.ref<Counter>('durable', 'a')
  const memory = cluster.ref<Counter>('memory', 'a')
  await durable.ask({ timeout: 20_000 }).add(1)
  let made = 0
  const activate =
    (type: string) =>
    async (count: number): Promise<number> => {
      for (let i = 0; i < count; i++) await cluster.ref<Counter>(type, `k${++made}`).ask.add(1)
      return count
    }
  const text = await contest(
    [
      {
        title: 'a durable message',
        against: 'the same steps, client alone',
        contestants: [
          {
            name: 'tasktree ask, durable',
            operations: messages,
            work: async (count) => {
              for (let i = 0; i < count; i++) await durable.ask.add(1)
              return count
            },
          },
          {
            name: 'the same steps, client alone',
            operations: messages,
            work: await serveRaw(client),
          },
        ],
      },
      {
        title: 'an activation',
        against: 'an ask to a running actor',
        contestants: [
          {
            name: 'an ask to a running actor',
            operations: messages,
            work: async (count) => {
              for (let i = 0; i < count; i++) await memory.ask.add(1)
              return count
            },
          },
          { name: 'activation, in memory', operations: activations, work: activate('memory') },
          { name: 'activation, durable', operations: activations, work: activate('durable') },
        ],
      },
    ],
    undefined,
    5,
  )
  console.log(text)
  for (const isKilled of [false, true]) {
    const times: number[] = []
    for (let i = 0; i < takeOvers; i++) {
      times.push(await measureTakeOver(servers, `${isKilled}-${i}`, isKilled))
    }
    const [least, middle, most] = [Math.min(...times), median(times), Math.max(...times)]
    const how = isKilled ? `a kill, with a lease of ${lease} ms` : 'an orderly stop'
    console.log(
      `take-over after ${how}: ${least.toFixed(0)} ms at least, ${middle.toFixed(0)} in the median, ${most.toFixed(0)} at most`,
    )
  }
  await cluster[Symbol.asyncDispose]()
  await system.stop()
})
await client.close()
await server.end()
