import { Future, getEventLoop, run } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { ClusterClosed, connect, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'

const { echo } = remoteJobs<{ echo: (value: number) => Promise<number> }>('work')

test('a job that no code awaits is cancelled by the end of its run, and is not reported', async () => {
  const reports: string[] = []
  const job = await run(async () => {
    getEventLoop().setExceptionHandler((_, { message }) => void reports.push(message))
    const client = await connect({ connector: new MemoryServer().connector })
    return { submitted: client.executor('q').submit(echo, 1) }
  })
  expect(job.submitted.cancelled()).toBe(true)
  expect(job.submitted.accepted.cancelled()).toBe(true)
  expect(reports).toEqual([])
})

test('a job that the server has not stored when the cluster ends fails with ClusterClosed', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    const client = await connect({
      connector: async () => {
        const bus = await server.connector()
        bus.append = () => new Future()
        return bus
      },
    })
    const job = client.executor('q').submit(echo, 1)
    await client[Symbol.asyncDispose]()
    expect(await thrown(job)).toBeInstanceOf(ClusterClosed)
    expect(await thrown(job.accepted)).toBeInstanceOf(ClusterClosed)
  }))
