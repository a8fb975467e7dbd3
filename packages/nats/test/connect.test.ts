import {
  createTask,
  failAfter,
  getEventLoop,
  isCancelled,
  sleep,
  TimeoutError,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { type Cluster, ClusterClosed, ConnectFailed, connect, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'

test('a connect that takes longer than its scope throws at once, and its late connection is closed', () =>
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

test('a connect that is cancelled at any moment leaves no connection', () =>
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

test('a connect whose connection is lost at once throws ConnectFailed and leaves no connection', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    const connecting = createTask(() => connect({ connector: server.connector }))
    while (server.connections.length === 0) await sleep(0)
    server.connections[0]?.cut()
    expect(await thrown(connecting)).toBeInstanceOf(ConnectFailed)
    await sleep(100)
    expect(server.connections.map(({ status }) => status)).toEqual(['closed'])
  }))

const home = { add: (a: number, b: number): number => a + b }
const { add } = remoteJobs<typeof home>('home')

test('a job that is sent while the connection is broken is sent over the next connection', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    const worker = await startMemoryNode(server, 'worker', (own) => [own.worker('q', { home })])
    let handle!: Cluster
    const sender = await startMemoryNode(server, 'sender', (own) => {
      handle = own
      return []
    })
    const executor = handle.executor('q')
    expect(await executor.submit(add, 1, 2)).toBe(3)
    server.connections[1]?.cut()
    const job = executor.submit(add, 3, 4)
    await sleep(1_000)
    await server.connections[1]?.close()
    expect(await job).toBe(7)
    await sender.stop()
    await worker.stop()
  }))

test('the end of a cluster whose connection is broken ends the jobs that wait for it', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    const sender = await connect({ connector: server.connector })
    const executor = sender.executor('q')
    const accepted = executor.submit(add, 1, 2)
    await accepted.accepted
    await server.connections[0]?.close()
    const waiting = executor.submit(add, 1, 2)
    await sleep(1_000)
    expect([accepted.done(), waiting.done()]).toEqual([false, false])
    await sender[Symbol.asyncDispose]()
    expect(await thrown(accepted)).toBeInstanceOf(ClusterClosed)
    expect(await thrown(waiting)).toBeInstanceOf(ClusterClosed)
  }))
