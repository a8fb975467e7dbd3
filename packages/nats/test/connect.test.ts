import {
  createTask,
  failAfter,
  getEventLoop,
  isCancelled,
  sleep,
  TimeoutError,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { ConnectFailed, connect } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'

test('a connect whose time is over ends at once, and its connection when it is made', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    const connector = async (): Promise<never> => {
      await sleep(1_000)
      return (await server.connector()) as never
    }
    const begin = getEventLoop().time()
    expect(await thrown(failAfter(400, () => connect({ connector })))).toBeInstanceOf(TimeoutError)
    expect(getEventLoop().time() - begin).toBe(400)
    expect(server.connections).toHaveLength(0)
    await sleep(1_000)
    expect(server.connections.map(({ status }) => status)).toEqual(['closed'])
  }))

test('a connect that is cancelled leaves no connection, at whichever moment', () =>
  runVirtual(async () => {
    let wasCancelled = 0
    for (let moment = 0; moment <= 12; moment += 0.5) {
      const server = new MemoryServer({ seed: moment * 2 })
      const connecting = createTask(() => connect({ connector: server.connector }))
      await sleep(moment)
      connecting.cancel()
      const error = await thrown(connecting.then(() => undefined)).catch(() => null)
      if (isCancelled(error)) wasCancelled++
      else await connecting.result()[Symbol.asyncDispose]()
      await sleep(100)
      expect(server.connections.map(({ status }) => status)).toEqual(['closed'])
    }
    expect(wasCancelled).toBeGreaterThan(5)
  }))

test('a connect fails when its connection is lost at once, and leaves none', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    const connecting = createTask(() => connect({ connector: server.connector }))
    while (server.connections.length === 0) await sleep(0)
    server.connections[0]?.cut()
    expect(await thrown(connecting)).toBeInstanceOf(ConnectFailed)
    await sleep(100)
    expect(server.connections.map(({ status }) => status)).toEqual(['closed'])
  }))
