import {
  Actor,
  ActorCrashed,
  type ActorRef,
  ActorSystem,
  AskTimeout,
  child,
  type ChildSpec,
  MailboxFull,
  NoProc,
  ReplyError,
  silentLogger,
  type SupervisorRef,
} from '@tasktree/actor'
import { copyContext, createTask, failAfter, isCancelled, run, sleep } from '@tasktree/core'
import {
  type Cluster,
  clusterTree,
  ConnectionLost,
  connect,
  NodeLost,
  traceparent,
} from '@tasktree/nats'
import { connect as connectClient } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { describeWithServer, NatsServer } from './support/server.ts'
import { startNode } from './support/node.ts'
import { inTree, until } from './support/tree.ts'

/** Milliseconds, longer than a test may take: what waits until then fails its test. */
const tooLong = 600_000

class Counter extends Actor {
  #count = 0
  add(n: number): number {
    this.#count += n
    return this.#count
  }
  refuse(): never {
    throw new ReplyError('not that')
  }
  crash(): never {
    throw new RangeError('broken')
  }
  #traces: (string | null)[] = []
  async trace(): Promise<(string | null)[]> {
    const before = traceparent.get()
    await sleep(1)
    return [before, traceparent.get()]
  }
  noteTrace(): void {
    this.#traces.push(traceparent.get())
  }
  traces(): (string | null)[] {
    return this.#traces
  }
  async slow(ms: number): Promise<string> {
    await sleep(ms)
    return 'awake'
  }
  grow(size: number): Uint8Array {
    return new Uint8Array(size)
  }
}

describeWithServer('a service of a cluster', (server) => {
  /** Runs `body` with a node that has the service, and with a ref to the service from another connection. */
  async function served(
    body: (counter: ActorRef<Counter>, caller: Cluster) => Promise<void>,
    mailbox?: { capacity: number; overflow: 'reject' },
  ): Promise<void> {
    const where = server.newCluster()
    await inTree(
      where,
      () => [],
      async (_cluster, system) => {
        const own = _cluster
        await system.root.startChild(
          child.actor('counter', Counter, [], mailbox === undefined ? {} : { mailbox }),
        )
        await system.root.startChild(
          own.service('counter', () => system.lookup(Counter, 'counter')),
        )
        await using caller = await connect(where)
        await body(caller.lookup<Counter>('counter'), caller)
      },
    )
  }

  test('answers asks and handles tells', async () => {
    await served(async (counter) => {
      expect(await counter.ask.add(2)).toBe(2)
      expect(await counter.tell.add(3)).toBe(true)
      expect(await counter.tell({ confirm: true }).add(4)).toBe(true)
      expect(await counter.ask({ timeout: 1_000 }).add(1)).toBe(10)
      expect(counter.path).toBe('nats:counter')
    })
  })

  test('answers with the class and the message of an error', async () => {
    await served(async (counter) => {
      const refused = await thrown(counter.ask.refuse())
      expect(refused).toBeInstanceOf(ReplyError)
      expect((refused as Error).message).toBe('not that')
      const crashed = await thrown(counter.ask.crash())
      expect(crashed).toBeInstanceOf(ActorCrashed)
      expect((crashed as Error).cause).toBeInstanceOf(RangeError)
      const unknown = counter.ask as unknown as { nothing: () => PromiseLike<unknown> }
      await thrown(unknown.nothing())
      const large = await thrown(counter.ask.grow(2_000_000))
      expect((large as Error).name).toBe('ResultTooLarge')
    })
  })

  test('that is stopped beside another service of the same name loses no ask', () =>
    run(async () => {
      const where = { ...server.newCluster(), powerLossWarning: false }
      const serve = (id: string): ChildSpec =>
        clusterTree(id, where, (own) => [
          own.service('counter', () => system.lookup(Counter, 'counter')),
        ])
      await using system: ActorSystem = await ActorSystem.start({
        name: 'services',
        logger: silentLogger,
        children: [child.actor('counter', Counter), serve('one'), serve('two')],
      })
      await using caller = await connect(where)
      const { ask } = caller.lookup<Counter>('counter')
      const one = system.root.child('one') as SupervisorRef
      for (let round = 0; round < 5; round++) {
        const asks: PromiseLike<number>[] = []
        const burst = async (): Promise<void> => {
          for (let i = 0; i < 20; i++) asks.push(ask({ timeout: 15_000 }).add(1))
          await sleep(0)
        }
        for (let i = 0; i < 10; i++) await burst()
        const stopped = one.stopChild('service-counter')
        for (let i = 0; i < 10; i++) await burst()
        await stopped
        for (const each of asks) await each
        await one.restartChild('service-counter')
      }
    }))

  test('that no node has answers asks with an error at once', async () => {
    await using caller = await connect(server.newCluster())
    const nobody = caller.lookup<Counter>('nobody')
    expect(await thrown(nobody.ask({ timeout: tooLong }).add(1))).toBeInstanceOf(NoProc)
    expect(await thrown(nobody.tell({ confirm: true }).add(1))).toBeInstanceOf(NoProc)
    expect(await nobody.tell.add(1)).toBe(true)
  })

  test('handles a message in the trace context of its sender', async () => {
    await served(async (counter) => {
      await createTask(async () => {
        traceparent.set('00-a-b-01')
        expect(await counter.ask.trace()).toEqual(['00-a-b-01', '00-a-b-01'])
        await counter.tell.noteTrace()
        await counter.tell({ confirm: true }).noteTrace()
      })
      expect(await counter.ask.trace()).toEqual([null, null])
      await counter.tell({ confirm: true }).noteTrace()
      const context = copyContext()
      context.run(() => traceparent.set('00-c-d-01'))
      expect(await counter.ask({ context }).trace()).toEqual(['00-c-d-01', '00-c-d-01'])
      expect(await counter.ask.traces()).toEqual(['00-a-b-01', '00-a-b-01', null])
    })
  })

  test('does not handle an ask whose scope has timed out before its turn', async () => {
    await served(async (counter) => {
      const slow = counter.ask.slow(300)
      const error = await thrown(failAfter(100, () => counter.ask.add(5)))
      expect((error as Error).name).toBe('TimeoutError')
      expect(await slow).toBe('awake')
      expect(await counter.ask.add(0)).toBe(0)
    })
  })

  test('ignores messages that are not asks', async () => {
    await served(async (counter, caller) => {
      const client = await connectClient({ servers: server.url })
      const subject = `${caller.namespace}.svc.counter`
      for (const text of [
        '',
        'hello',
        'ask 1000\n',
        'ask 1000 id %E0%A4%A\n[1]',
        'other - id add\n',
      ]) {
        client.publish(subject, text, { reply: 'nowhere' })
      }
      await client.drain()
      expect(await counter.ask.add(2)).toBe(2)
    })
  })

  test('that answers too late makes the ask throw AskTimeout, which says that the outcome is unknown', async () => {
    await served(async (counter) => {
      const error = await thrown(counter.ask({ timeout: 100 }).slow(300))
      expect(error).toBeInstanceOf(AskTimeout)
      expect((error as AskTimeout).delivered).toBe('unknown')
    })
  })

  test('does not handle an ask that was cancelled before its turn', async () => {
    await served(async (counter) => {
      const first = counter.ask.slow(300)
      const second = counter.ask.add(5)
      await new Promise((resolve) => setTimeout(resolve, 100))
      second.cancel()
      expect(isCancelled(await thrown(second))).toBe(true)
      expect(await first).toBe('awake')
      expect(await counter.ask.add(0)).toBe(0)
    })
  })

  test('with a full mailbox gets an ask again until there is room, or the ask fails', async () => {
    await served(
      async (counter, caller) => {
        const asks = Array.from({ length: 6 }, () => counter.ask.slow(30))
        for (const ask of asks) expect(await ask).toBe('awake')
        const hasty = caller.lookup<Counter>('counter', { overflow: 'reject' })
        const many = Array.from({ length: 6 }, () => hasty.ask.slow(30))
        const outcomes = await Promise.allSettled(many)
        const refused = outcomes.filter((each) => each.status === 'rejected')
        expect(refused.length).toBeGreaterThan(0)
        for (const { reason } of refused) expect(reason).toBeInstanceOf(MailboxFull)
      },
      { capacity: 1, overflow: 'reject' },
    )
  })

  test('refuses wrong arguments at the call', async () => {
    await using caller = await connect(server.newCluster())
    expect(() => caller.lookup('')).toThrow(/the name of a service must be a text/)
    expect(() => caller.service('a', 7 as never)).toThrow(/needs the ref of an actor, got /)
    for (const send of ['ask', 'tell'] as const) {
      expect(() => (caller.lookup('a')[send] as () => unknown)()).not.toThrow()
    }
    expect(() => caller.lookup('a', { overflow: 'drop' as never })).toThrow(/'wait' or 'reject'/)
    const ref = caller.lookup<Counter>('a')
    expect(() => ref.tell({ context: 1 as never })).toThrow(/context must be a Context/)
    expect(() => ref.ask({ reentrant: true })).toThrow(/for actors of one process/)
    expect(() => ref.ask({ timeout: NaN })).toThrow(/timeout must be a number/)
    expect(() => ref.ask.add((() => 1) as never)).toThrow(/the arguments of nats:a add cannot be/)
  })

  test(
    'fails asks at once when the server is killed, and answers again afterwards',
    { tags: 'slow' },
    async () => {
      await using mortal = await NatsServer.start()
      await inTree(
        { servers: mortal.url },
        () => [],
        async (cluster, system) => {
          await system.root.startChild(child.actor('counter', Counter))
          await system.root.startChild(
            cluster.service('counter', () => system.lookup(Counter, 'counter')),
          )
          await using caller = await connect({ servers: mortal.url })
          const counter = caller.lookup<Counter>('counter')
          const waiting = counter.ask({ timeout: tooLong }).slow(tooLong)
          await counter.tell({ confirm: true }).add(1)
          await mortal.kill()
          const error = await thrown(waiting)
          expect(error).toBeInstanceOf(ConnectionLost)
          expect((error as ConnectionLost).delivered).toBe('unknown')
          const refused = await thrown(counter.ask.add(1))
          expect(refused).toBeInstanceOf(ConnectionLost)
          expect((refused as ConnectionLost).delivered).toBe(false)
          expect(await counter.tell.add(1)).toBe(false)
          await mortal.restart()
          await until(
            () => caller.status === 'connected' && cluster.status === 'connected',
            'the link',
          )
          system.lookup(Counter, 'counter')?.kill()
          // The restarted actor also handles the `add(1)` that was told before the server was killed: it was still in the mailbox.
          expect(await counter.ask.add(1)).toBe(2)
        },
      )
    },
  )

  test('fails an ask when the node that handles the ask is killed', { tags: 'slow' }, async () => {
    const where = server.newCluster()
    await using node = await startNode('sleeper', where)
    await using caller = await connect(where)
    const sleeper = caller.lookup<{ nap: () => Promise<void> } & Actor>('sleeper')
    const ask = sleeper.ask({ timeout: tooLong }).nap()
    await sleep(400)
    node.kill()
    expect(await thrown(ask)).toBeInstanceOf(NodeLost)
    expect(await caller.nodes()).toHaveLength(1)
  })
})
