import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'

const work = {
  proxy: async (): Promise<void> => {
    // oxlint-disable-next-line typescript/only-throw-error -- a worker must survive any value
    throw new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('trap')
        },
      },
    )
  },
  plain: async (): Promise<void> => {
    throw new RangeError('plain')
  },
}
const far = remoteJobs<typeof work>('work')

test('a job fails at once with a value that cannot be looked at, and when retryIf throws', () =>
  runVirtual(async () => {
    const reports: string[] = []
    getEventLoop().setExceptionHandler((_, { message }) => void reports.push(message))
    const server = new MemoryServer()
    const retryIf = (): never => {
      throw new Error('retryIf')
    }
    const system = await startMemoryNode(server, 'node', (own) => [
      own.worker('q', { work }),
      own.worker('r', { work }, { retryIf }),
    ])
    await sleep(1_000)
    {
      await using sender = await cluster({ connector: server.connector }).connect()
      const begin = getEventLoop().time()
      expect(String(await thrown(sender.executor('q').submit(far.proxy)))).toBe(
        'TypeError: the job threw a value that cannot be looked at',
      )
      expect(reports).toEqual([])
      expect(await thrown(sender.executor('r').submit(far.plain))).toBeInstanceOf(RangeError)
      expect(reports).toEqual([
        'The option retryIf of the worker has thrown for an error of work#plain',
      ])
      // A worker that cannot settle a job gets it again only after 30 seconds.
      expect(getEventLoop().time() - begin).toBeLessThan(1_000)
    }
    await system.stop()
  }))
