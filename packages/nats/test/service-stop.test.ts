import { Actor, ActorCrashed, type ActorSystem, child } from '@tasktree/actor'
import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'

class Counter extends Actor {
  #count = 0
  add(n: number): number {
    return (this.#count += n)
  }

  crash(): never {
    throw new RangeError('broken')
  }
}

test('an ask is answered with an error when its service is killed before the actor has answered', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    // The restart of the actor waits until the service has stopped, and the service waits until its ask is answered.
    const system: ActorSystem = await startMemoryNode(server, 'node', (own) => [
      child.actor('counter', Counter),
      own.service('counter', () => system.lookup(Counter, 'tree/counter'), { shutdown: 1_000 }),
      child.resource('last', () => ({
        [Symbol.asyncDispose]: async () => sleep(50),
      })),
    ])
    {
      await using sender = await cluster({ connector: server.connector }).connect()
      const { ask } = sender.lookup<Counter>('counter')
      expect(await thrown(ask.crash())).toBeInstanceOf(ActorCrashed)
      const begin = getEventLoop().time()
      expect(await ask({ timeout: 60_000 }).add(1)).toBe(1)
      expect(getEventLoop().time() - begin).toBeLessThan(2_000)
    }
    await system.stop()
  }))
