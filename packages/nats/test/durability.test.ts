/** Tests what a power loss can lose, and the warning of the package about it. */
import { jetstreamManager } from '@nats-io/jetstream'
import { connect as connectClient } from '@nats-io/transport-node'
import { ConnectFailed, connect, remoteJobs } from '@tasktree/nats'
import { expect, test } from 'vitest'
import { testWhere } from '../../../vitest.skips.ts'
import { thrown } from '../../../vitest.thrown.ts'
import { describeWithServer, freePort, NatsServer } from './support/server.ts'
import { inTree, until } from './support/tree.ts'

const home = { add: (a: number, b: number): number => a + b }
const { add } = remoteJobs<typeof home>('home')

const isLong = process.env['TASKTREE_NATS_LONG'] === '1'

function natsWarnings(): { readonly list: Error[]; [Symbol.dispose](): void } {
  const list: Error[] = []
  const note = (warning: Error & { code?: string }): void => {
    if (warning.code === 'TASKTREE_NATS_POWER_LOSS') list.push(warning)
  }
  process.on('warning', note)
  return { list, [Symbol.dispose]: () => void process.off('warning', note) }
}

/** Warnings are emitted in a later tick. */
const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describeWithServer('connect() to a real server', (server) => {
  test('warns once for each process that a power loss can lose jobs, unless powerLossWarning is false', async () => {
    using warnings = natsWarnings()
    await (await connect({ servers: server.url, powerLossWarning: false }))[Symbol.asyncDispose]()
    await nextTick()
    expect(warnings.list).toEqual([])
    await (await connect({ servers: server.url }))[Symbol.asyncDispose]()
    await (await connect({ servers: server.url }))[Symbol.asyncDispose]()
    await nextTick()
    expect(warnings.list.map(String)).toEqual([
      expect.stringMatching(
        /^TasktreeWarning: nats:\/\/127\.0\.0\.1:\d+: a power loss can lose .* replicas: 3, .* powerLossWarning: false$/,
      ),
    ])
  })

  test('throws if replicas is 3 and the server is not part of a cluster', async () => {
    const error = await thrown(connect({ servers: server.url, replicas: 3 }))
    expect(error).toBeInstanceOf(ConnectFailed)
    expect((error as Error).message).toMatch(/replicas is 3, and the server is not part of a/)
    expect(String(await thrown(connect({ replicas: 0 })))).toMatch(/replicas/)
    const odd = connect({ powerLossWarning: 'no' as never })
    expect(String(await thrown(odd))).toMatch(/powerLossWarning must be true or false/)
  })

  testWhere(isLong, 'each election of a leader takes up to nine seconds: set TASKTREE_NATS_LONG=1')(
    'with three replicas loses no accepted job when a server and its disk are lost',
    { tags: 'slow' },
    async () => {
      const routes = [await freePort(), await freePort(), await freePort()]
      const urls = routes.map((port) => `nats://127.0.0.1:${port}`)
      await using stack = new AsyncDisposableStack()
      const servers = await Promise.all(
        urls.map((url, i) => {
          const cluster = ['--cluster_name', 'three', '--cluster', url, '--routes', urls.join(',')]
          return NatsServer.start(['-js', '-n', `server-${i}`, ...cluster])
        }),
      )
      for (const each of servers) stack.use(each)
      const options = { servers: servers.map(({ url }) => url), replicas: 3 }
      // Connecting fails until the servers have chosen a leader.
      await until(async () => {
        try {
          await (await connect(options))[Symbol.asyncDispose]()
          return true
        } catch {
          return false
        }
      }, 'a cluster of three servers')
      await using submitter = await connect(options)
      const job = submitter.executor('q').submit(add, 1, 2)
      await job.accepted
      const client = await connectClient({ servers: options.servers })
      const { config, cluster } = await (
        await jetstreamManager(client)
      ).streams.info('tasktree_JOBS_q')
      await client.close()
      expect(config.num_replicas).toBe(3)
      const leader = servers.find((_, i) => cluster?.leader === `server-${i}`)
      await leader?.[Symbol.asyncDispose]()
      await inTree(
        options,
        (handle) => [handle.worker('q', { home })],
        async () => {
          expect(await job).toBe(3)
        },
      )
    },
  )
})
