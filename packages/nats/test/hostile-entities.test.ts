/** Tests functions `args`, `save` and `load` of an entity that return wrong values or throw. */
import { Actor, type ActorSystem, silentLogger } from '@tasktree/actor'
import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import {
  cluster,
  type Cluster,
  type ClusterOptions,
  jsonCodec,
  type StateCodec,
} from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'

class Sum extends Actor {
  sum = 0
  readonly given: readonly unknown[]

  constructor(...given: readonly unknown[]) {
    super()
    this.given = given
  }

  add(n: number): number {
    return (this.sum += n)
  }
}

const state = {
  save: (actor: Sum): unknown => actor.sum,
  load: (actor: Sum, sum: number): unknown => (actor.sum = sum),
}

interface Setting {
  readonly sender: Cluster
  readonly warnings: string[]
  /** Replaces the node by one whose entities have these options. */
  readonly replace: (options: object) => Promise<void>
}

/** Runs `body` with a sender, and with a node that hosts the entity `sum` with `options`. */
function hosted(
  options: object,
  body: (setting: Setting) => Promise<void>,
  own: ClusterOptions = {},
): Promise<void> {
  return runVirtual(async () => {
    const warnings: string[] = []
    const warn = (text: string, error?: unknown): void => {
      warnings.push(`${text}: ${String(error)}`)
    }
    const server = new MemoryServer()
    const start = (entity: object): Promise<ActorSystem> =>
      startMemoryNode(
        server,
        'node',
        (node) => [
          node.entity('sum', Sum, { args: (key) => [key], lease: 1_000, shards: 1, ...entity }),
        ],
        { ...silentLogger, warn },
        own,
      )
    let system = await start(options)
    await sleep(2_000)
    const replace = async (entity: object): Promise<void> => {
      await system.stop()
      system = await start(entity)
      await sleep(2_000)
    }
    {
      await using sender = await cluster({ connector: server.connector, ...own }).connect()
      await body({ sender, warnings, replace })
    }
    await system.stop()
  })
}

const noLists: readonly (readonly [() => unknown, string])[] = [
  [() => 'ada', 'string ada'],
  [() => undefined, 'undefined'],
  [async () => ['ada'], 'an object of class Promise'],
]

test.for(noLists)(
  'an option args that does not return a list fails the asks with an error that says so: %s',
  ([args, got]) =>
    hosted({ args }, async ({ sender, warnings }) => {
      const why = `TypeError: the option args of the entity sum must return a list, got ${got}`
      const sum = sender.ref<Sum>('sum', 'ada')
      expect(String(await thrown(sum.ask.add(1)))).toBe(why)
      // The sender of a tell gets no answer, so the node logs that the message is lost.
      await sum.tell.add(1)
      await sleep(1_000)
      expect(warnings).toContain(`sum/ada has lost a message: ${why}`)
    }),
)

test('a save that returns a promise fails the ask and does not overwrite the stored state', () =>
  hosted(
    { state },
    async ({ sender, warnings, replace }) => {
      const { ask } = sender.ref<Sum>('sum', 'ada')
      expect(await ask.add(1)).toBe(1)
      await replace({ state: { ...state, save: async (actor: Sum) => actor.sum } })
      expect(String(await thrown(ask.add(1)))).toBe(
        'TypeError: save must return the state itself, got a promise',
      )
      expect(warnings.join('\n')).toMatch(/sum\/ada: its state cannot be saved/)
      await replace({ state })
      expect(await ask.add(1)).toBe(2)
    },
    { codec: jsonCodec },
  ))

test('a load that returns a promise starts no actor, and the messages wait for a node with another load', () =>
  hosted({ state }, async ({ sender, warnings, replace }) => {
    const { ask } = sender.ref<Sum>('sum', 'ada')
    expect(await ask.add(1)).toBe(1)
    const load = async (actor: Sum, sum: number): Promise<void> => {
      await sleep(1)
      actor.sum = sum
    }
    await replace({ state: { ...state, load } })
    const waiting = ask({ timeout: 60_000 }).add(1)
    await sleep(5_000)
    expect(warnings.join('\n')).toMatch(
      /sum\/ada cannot start; it is tried again: TypeError: load must not wait, got a promise/,
    )
    await replace({ state })
    expect(await waiting).toBe(2)
  }))

test('an ask fails at once when save throws a value that cannot be read', () => {
  const trap = (): never => {
    throw new Error('trap')
  }
  const save = (): never => {
    throw new Proxy(new Error('no'), { getPrototypeOf: trap, get: trap })
  }
  return hosted({ state: { ...state, save } }, async ({ sender }) => {
    const begin = getEventLoop().time()
    expect(String(await thrown(sender.ref<Sum>('sum', 'ada').ask.add(1)))).toBe(
      'TypeError: save threw a value that cannot be looked at',
    )
    expect(getEventLoop().time() - begin).toBeLessThan(1_000)
  })
})

test('a state of the largest size can be stored again after many messages', () =>
  runVirtual(async () => {
    const server = new MemoryServer({ maxPayload: 4_096 })
    const large: StateCodec<Sum, Uint8Array> = {
      save: ({ given }) => new Uint8Array(Number(given[0])),
      load: () => {},
    }
    const system = await startMemoryNode(server, 'node', (node) => [
      node.entity('large', Sum, { args: (key) => [key], lease: 1_000, shards: 1, state: large }),
    ])
    await sleep(2_000)
    const sender = await cluster({ connector: server.connector }).connect()
    const outcomes = new Set<string>()
    for (const size of [2_200, 2_400, 3_000, 3_800, 4_100]) {
      const { ask } = sender.ref<Sum>('large', String(size))
      for (let n = 0; n < 140; n++) {
        const error = await ask.add(1).then(
          () => null,
          (reason: unknown) => reason,
        )
        outcomes.add(error === null ? 'stored' : (error as Error).name)
      }
    }
    expect(outcomes).toEqual(new Set(['stored', 'PayloadTooLarge']))
    await sender[Symbol.asyncDispose]()
    await system.stop()
  }))
