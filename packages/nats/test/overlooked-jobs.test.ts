/**
 * Tests jobs that the server does not deliver by itself. After a kill, the server may give a new job the sequence of an
 * acknowledged job, and then it takes the new job for acknowledged.
 */
import { jetstreamManager } from '@nats-io/jetstream'
import { connect as connectClient } from '@nats-io/transport-node'
import { ActorSystem, silentLogger } from '@tasktree/actor'
import { sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, clusterTree, remoteJobs } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { describe, expect, test } from 'vitest'
import { NatsServer, skipEach, withoutServer } from './support/server.ts'
import { inTree, until } from './support/tree.ts'

const numbers = { square: (n: number): number => n * n }
const { square } = remoteJobs<typeof numbers>('numbers')

test.each([0, 100])(
  'the server in memory: jobs that the server does not deliver by itself are done, with a delay of %d ms',
  async (ms) => {
    await runVirtual(async () => {
      const server = new MemoryServer()
      const { connector } = server
      await using submitter = await cluster({ connector }).connect()
      await using _ = await ActorSystem.start({
        name: 'node',
        logger: silentLogger,
        children: [clusterTree('tree', { connector }, (own) => [own.worker('q', { numbers })])],
      })
      const executor = submitter.executor('q').with({ delay: ms, deadline: 120_000 })
      for (let n = 0; n < 3; n++) expect(await executor.submit(square, n)).toBe(n * n)
      await sleep(1_000)
      server.restart()
      for (const each of server.connections) each.restore()
      expect(await executor.submit(square, 5)).toBe(25)
      expect(await Promise.all([6, 7].map((n) => executor.submit(square, n)))).toEqual([36, 49])
      await sleep(1_000)
      expect((await submitter.snapshot()).queues['q']).toMatchObject({ waiting: 0, running: 0 })
    })
  },
)

describe('a real server', () => {
  skipEach(withoutServer)

  test(
    'jobs that the server does not deliver by itself are done',
    { tags: 'slow' },
    async ({ skip }) => {
      await using mortal = await NatsServer.start()
      const where = { servers: mortal.url, namespace: 'overlooked' }
      const stream = 'overlooked_JOBS_q'
      const look = async (): Promise<{ last: number; delivered: number }> => {
        const connection = await connectClient({ servers: mortal.url })
        try {
          const { streams, consumers } = await jetstreamManager(connection)
          const { state } = await streams.info(stream)
          const { delivered } = await consumers.info(stream, 'workers')
          if (state.messages > 0) return { last: NaN, delivered: NaN }
          return { last: state.last_seq, delivered: delivered.stream_seq }
        } finally {
          await connection.close()
        }
      }
      await inTree(
        where,
        (own) => [own.worker('q', { numbers })],
        async (own) => {
          const executor = own.executor('q').with({ deadline: 60_000 })
          expect(await executor.submit(square, 2)).toBe(4)
          await until(async () => (await look()).last === 1, 'an empty stream')
          const forget = mortal.rememberSequences(stream)
          if (forget === null) skip('this nats-server does not reuse sequences')
          expect(await executor.submit(square, 3)).toBe(9)
          await until(async () => (await look()).last === 2, 'an empty stream again')
          await until(() => mortal.hasNoted(stream, 'workers'), 'the note of the consumer')
          await mortal.kill()
          forget?.()
          await until(() => own.status === 'disconnected', 'the loss of the connection')
          await mortal.restart()
          expect(await look()).toEqual({ last: 1, delivered: 2 })
          await until(() => own.status === 'connected', 'the connection')
          expect(await executor.submit(square, 4)).toBe(16)
        },
      )
    },
  )
})
