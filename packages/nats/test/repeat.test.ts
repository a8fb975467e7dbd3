import { Actor, child } from '@tasktree/actor'
import { getEventLoop, sleep, sleepForever } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, remoteJobs, type StateCodec } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { startMemoryNode } from './support/nodes-in-memory.ts'

class Sum extends Actor {
  #sum = 0
  static readonly state: StateCodec<Sum, number> = {
    save: (sum) => sum.#sum,
    load: (sum, value) => {
      sum.#sum = value
    },
  }

  add(n: number): number {
    return (this.#sum += n)
  }
}

const lease = 1_000

/** Runs jobs, entities and a singleton while connections are lost. Returns their actions with the times. */
async function record(seed: number): Promise<string[]> {
  const events: string[] = []
  const main = async (): Promise<void> => {
    const start = getEventLoop().time()
    const note = (event: string): void => {
      events.push(`${(getEventLoop().time() - start).toFixed(3)} ${event}`)
    }
    const home = {
      work: async (n: number): Promise<void> => {
        note(`job ${n}`)
        await sleep(300)
      },
    }
    const server = new MemoryServer({ seed })
    const systems = []
    for (const node of ['one', 'two']) {
      const single = child.task('single', async () => {
        note(`singleton at ${node}`)
        await sleepForever()
      })
      systems.push(
        await startMemoryNode(server, node, (own) => [
          own.worker('q', { home }, { concurrency: 2, ackWait: 1_000 }),
          own.entity('sum', Sum, { shards: 4, lease, state: Sum.state }),
          own.singleton('single', single, { lease }),
        ]),
      )
    }
    const sender = await cluster({ connector: server.connector, node: 'sender' }).connect()
    const executor = sender.executor('q')
    const { work } = remoteJobs<typeof home>('home')
    const jobs = Array.from({ length: 30 }, async (_, n) => {
      await executor.submit(work, n)
      note(`result ${n}`)
    })
    for (let i = 0; i < 6; i++) {
      await sleep(700)
      const connection = server.connections[i % 3]
      connection?.cut()
      const tell = sender.ref<Sum>('sum', `key ${i}`).tell({ confirm: true })
      tell.add(1).then(
        () => note(`told ${i}`),
        () => note(`not told ${i}`),
      )
      await sleep(400)
      connection?.restore()
    }
    await Promise.all(jobs)
    await sender[Symbol.asyncDispose]()
    for (const system of systems) await system.stop()
  }
  await runVirtual(main, { seed })
  return events
}

test.each([1, 2, 3])(
  'the server in memory does the same things in each run with seed %i',
  async (seed) => {
    const first = await record(seed)
    expect(first.length).toBeGreaterThan(60)
    expect(await record(seed)).toEqual(first)
  },
)
