import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { ActorSystem, child, silentLogger } from '@tasktree/actor'
import { run, sleep } from '@tasktree/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { NatsBus } from '../src/bus/nats-bus.ts'

/** A connection to a server that is paused: a drain never ends. */
class PausedConnection {
  readonly #closed = Promise.withResolvers<void>()

  subscribe(): void {}
  async *status(): AsyncGenerator<never> {}
  isDraining(): boolean {
    return false
  }
  drain(): Promise<void> {
    return new Promise(() => {})
  }
  async close(): Promise<void> {
    this.#closed.resolve()
  }
  closed(): Promise<void> {
    return this.#closed.promise
  }
}

function openBus(connection: PausedConnection): NatsBus {
  const client = connection as unknown as NatsConnection
  return new NatsBus(client, {} as JetStreamClient, {} as JetStreamManager, 1, undefined)
}

test('the connection to a paused server ends even if the close of its bus is killed at the end of the run', async () => {
  const start = setTimeout
  // The time that the server has for the drain is over at once.
  const timers = vi.spyOn(globalThis, 'setTimeout')
  timers.mockImplementation(((call: () => void, ms: number) =>
    start(call, ms === 2_000 ? 0 : ms)) as typeof setTimeout)
  onTestFinished(() => timers.mockRestore())
  const connection = new PausedConnection()
  await run(async () => {
    const bus = openBus(connection)
    const dispose = async (): Promise<void> => {
      try {
        await sleep(Infinity)
      } finally {
        await bus.close()
      }
    }
    const system = await ActorSystem.start({ name: 's', logger: silentLogger })
    const resource = child.resource('bus', () => ({ [Symbol.asyncDispose]: dispose }))
    const ref = await system.root.startChild(resource)
    void ref.stop(undefined, { timeout: 0 })
    await system.stop()
  })
  await connection.closed()
  expect(timers).toHaveBeenCalledWith(expect.any(Function), 2_000)
})
