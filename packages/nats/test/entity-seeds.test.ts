/**
 * Tests durable entities on the server in memory, in virtual time. Each seed gives another order of messages, timers and faults.
 * The history of each entity is checked for linearizability. `TASKTREE_NATS_SEEDS=1000` runs 1,000 seeds.
 */
import { Actor, type ActorSystem } from '@tasktree/actor'
import { createTask, getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, type StateCodec } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import {
  linearizeList,
  type ListInput,
  type ListOutput,
  type Operation,
} from './support/linearizability.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'

const seeds = Number(process.env['TASKTREE_NATS_SEEDS'] ?? 25)
const lease = 600
const keys = ['a', 'b', 'c']
const [clients, operations, faults] = [3, 6, 6]

interface Counts {
  runs: number
  applied: number
  unknown: number
}

interface List extends Actor {
  append(item: number): Promise<number>
  items(): readonly number[]
}

function explore(seed: number): Promise<Counts> {
  return runVirtual(
    async () => {
      const server = new MemoryServer({ seed })
      const counts: Counts = { runs: 0, applied: 0, unknown: 0 }

      class DurableList extends Actor implements List {
        #items: number[] = []
        static readonly state: StateCodec<DurableList, number[]> = {
          save: (list) => list.#items,
          load: (list, items) => {
            list.#items = items
          },
        }
        async append(item: number): Promise<number> {
          counts.runs++
          await sleep(server.random() * 150)
          this.#items.push(item)
          return this.#items.length
        }
        items(): readonly number[] {
          return this.#items
        }
      }

      const startNode = (number: number): Promise<ActorSystem> =>
        startMemoryNode(server, `n${number}`, (own) => [
          own.entity('list', DurableList, {
            lease,
            shards: 3,
            state: DurableList.state,
            idleTimeout: 400,
          }),
        ])
      await using sender = await cluster({ connector: server.connector, node: 'sender' }).connect()
      const systems = [await startNode(0), await startNode(1), await startNode(2)]
      let started = systems.length
      await sleep(lease)

      const histories = new Map(keys.map((key) => [key, [] as Operation<ListInput, ListOutput>[]]))
      let items = 0
      const operate = async (key: string): Promise<void> => {
        const ref = sender.ref<List>('list', key)
        const calledAt = getEventLoop().time()
        const choice = server.random()
        const input: ListInput = choice < 0.3 ? 'items' : { append: ++items }
        let output: ListOutput | undefined
        let isDone = false
        try {
          if (input === 'items') output = await ref.ask({ timeout: 2_500 }).items()
          else if (choice < 0.8) output = await ref.ask({ timeout: 2_500 }).append(input.append)
          else isDone = await ref.tell({ confirm: true }).append(input.append)
        } catch {
          // It is unknown whether the operation was done.
          counts.unknown++
        }
        const returnedAt = output === undefined ? Infinity : getEventLoop().time()
        histories.get(key)!.push({ input, calledAt, returnedAt, output, isDone })
      }
      const client = async (): Promise<void> => {
        for (let i = 0; i < operations; i++) {
          await operate(keys[Math.floor(server.random() * keys.length)]!)
          await sleep(server.random() * 200)
        }
      }
      // Restarts the server, cuts connections (of the sender too), and replaces nodes, which are killed or stop in order.
      const trouble = async (): Promise<void> => {
        for (let i = 0; i < faults; i++) {
          await sleep(server.random() * 400)
          const alive = server.connections.filter((bus) => bus.status === 'connected')
          const bus = alive[Math.floor(server.random() * alive.length)]
          if (bus === undefined) continue
          const choice = server.random()
          if (choice < 0.1) {
            const lost = alive.slice()
            server.restart()
            await sleep(100)
            for (const each of lost) {
              await sleep(server.random() * 100)
              each.restore()
            }
          } else if (bus !== server.connections[0] && choice < 0.35) {
            bus.kill()
            systems.push(await startNode(started++))
          } else if (choice < 0.55) {
            const system = systems.splice(Math.floor(server.random() * systems.length), 1)[0]!
            const stopping = createTask(() => system.stop())
            systems.push(await startNode(started++))
            await stopping
          } else {
            bus.cut()
            await sleep(server.random() * 2 * lease)
            bus.restore()
          }
        }
      }
      const troubles = createTask(trouble)
      const working = Array.from({ length: clients }, () => createTask(client))
      for (const each of working) await each
      await troubles
      for (const key of keys) {
        const history = histories.get(key)!
        const calledAt = getEventLoop().time()
        const list = await sender.ref<List>('list', key).ask({ timeout: 60_000 }).items()
        const returnedAt = getEventLoop().time()
        const last = { input: 'items', calledAt, returnedAt, output: list } as const
        counts.applied += list.length
        if (linearizeList(history, last) === null) {
          const text = JSON.stringify([...history, last])
          throw new Error(`the history of ${key} is not linearizable: ${text}`)
        }
      }
      for (const system of systems) await system.stop()
      return counts
    },
    { seed },
  )
}

test(
  `${seeds} random runs with lost nodes and connections: each entity acts like a single list`,
  { tags: 'slow', timeout: 60_000 + seeds * 1_000 },
  async () => {
    const sum: Counts = { runs: 0, applied: 0, unknown: 0 }
    for (let seed = 0; seed < seeds; seed++) {
      try {
        const counts = await explore(seed)
        sum.runs += counts.runs
        sum.applied += counts.applied
        sum.unknown += counts.unknown
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      }
    }
    console.log(`${seeds} seeds: ${JSON.stringify(sum)}`)
    // There must be handlers that ran twice, or operations with an unknown outcome. Otherwise the faults have hit nothing.
    expect(sum.runs - sum.applied + sum.unknown).toBeGreaterThan(0)
  },
)
