import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { silentLogger } from '@tasktree/actor'
import { gather, run, sleep, timeout, TimeoutError } from '@tasktree/core'
import { defineKinds, JobClient, type Jobd, type JobdOptions, startJobd } from '@tasktree/jobd'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { inFolder } from './support/folder.ts'
import { until } from './support/in-jobd.ts'

const slow = { tags: ['slow'] }

const kinds = defineKinds({
  nap: { run: () => sleep(60_000) },
  // No cancel interrupts the wait for a native promise, so the end of the server takes a second.
  deaf: { run: () => new Promise<void>(() => {}) },
})

type Start = (more?: Partial<JobdOptions>) => Promise<Jobd>

const inFile = (body: (start: Start) => Promise<void>): Promise<void> =>
  inFolder((folder) =>
    run(() =>
      body((more) =>
        startJobd({
          file: join(folder, 'jobs.sqlite'),
          port: 0,
          workers: 1,
          logger: silentLogger,
          waitLock: 0,
          kinds,
          ...more,
        }),
      ),
    ),
  )

async function begin({ port }: Jobd, kind: 'nap' | 'deaf'): Promise<number> {
  await using client = await JobClient.connect('127.0.0.1', port)
  const id = await client.add(kind)
  await until(async () => (await client.get(id))?.state === 'running')
  return id
}

const end = (server: Jobd): PromiseLike<void> => server[Symbol.asyncDispose]()

test('ending a server a second time does not touch the next server on the same file', slow, () =>
  inFile(async (start) => {
    const first = await start()
    await gather([end(first), end(first)])
    await using second = await start()
    const id = await begin(second, 'nap')
    await end(first)
    await using client = await JobClient.connect('127.0.0.1', second.port)
    expect((await client.get(id))?.state).toBe('running')
  }),
)

test('a cancel of the end of a server shortens the grace, and the end is completed', slow, () =>
  inFile(async (start) => {
    for (const kind of ['nap', 'deaf'] as const) {
      const server = await start({ grace: 60_000 })
      await begin(server, kind)
      expect(await thrown(timeout(100, async () => end(server)))).toBeInstanceOf(TimeoutError)
      // The file is free again, and the server has not counted the end as a death of the job's server.
      await using next = await start({ grace: 0 })
      await using client = await JobClient.connect('127.0.0.1', next.port)
      const [job] = await client.list({ kind })
      expect(job).toMatchObject({ deaths: 0 })
      await client.cancel(job?.id ?? 0)
    }
  }),
)

test('a cancel of one of two calls that end a server shortens the grace for both', slow, () =>
  inFile(async (start) => {
    const server = await start({ grace: 60_000 })
    await begin(server, 'nap')
    const [error] = await gather([thrown(timeout(100, async () => end(server))), end(server)])
    expect(error).toBeInstanceOf(TimeoutError)
  }),
)

test(
  'a server that cannot start because the port of its page is in use counts no death for its jobs',
  slow,
  () =>
    inFile(async (start) => {
      {
        await using server = await start()
        await begin(server, 'nap')
      }
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      const { port: http } = other.address() as AddressInfo
      // Each start of the server begins the job before it finds that another server uses the port of the page.
      for (let i = 0; i < 3; i++)
        expect(await thrown(start({ http }))).toMatchObject({ code: 'EADDRINUSE' })
      other.close()
      await using server = await start()
      await using client = await JobClient.connect('127.0.0.1', server.port)
      const [job] = await client.list()
      expect(job?.deaths).toBe(0)
      expect(job?.attempts).toBeGreaterThan(1)
    }),
)
