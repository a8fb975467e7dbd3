import { statSync, writeFileSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { queryObjects } from 'node:v8'
import { ReplyPort } from '@tasktree/actor'
import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test, vi } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { JobClient, toRecord } from '../src/client/job-client.ts'
import type { Reply } from '../src/protocol/resp.ts'
import { backUpFile, checkFile, restoreFile } from '../src/store/maintenance.ts'
import { defineKinds } from '../src/jobs/kind.ts'
import { inFolder } from './support/folder.ts'
import { inJobd, type InJobd, until } from './support/in-jobd.ts'
import { RawSocket } from './support/raw-socket.ts'
import { inScheduling, request } from './support/scheduling.ts'

const slow = { tags: ['slow'] }

const statsOf = async ({ client }: InJobd): Promise<Record<string, string | number | null>> =>
  toRecord(await client.command('JOB.STATS'))

/** Adds `count` jobs that end at once, and waits until all have ended. */
async function finish({ client, jobd }: InJobd, count: number): Promise<void> {
  await using socket = await RawSocket.open(jobd.port)
  for (let added = 0; added < count; added += 1_000) {
    const some = Math.min(1_000, count - added)
    socket.send('JOB.ADD sleep 0\r\n'.repeat(some) + 'PING\r\n')
    await socket.until('+PONG\r\n')
    await until(async () => {
      const jobs = (await client.command('JOB.LIST', 'STATE', 'queued')) as Reply[]
      return jobs.map(toRecord).every(({ delay }) => delay !== 0)
    })
  }
}

/** Adds `count` jobs and cancels them. Cancelled jobs count as ended, and this is much faster than running jobs. */
async function end({ client, jobd }: InJobd, count: number): Promise<void> {
  await using socket = await RawSocket.open(jobd.port)
  for (let added = 0; added < count; added += 2_000) {
    socket.send('JOB.ADD sleep 0 DELAY 3600000\r\n'.repeat(2_000) + 'PING\r\n')
    await socket.until('+PONG\r\n')
    await client.command('JOB.BULK', 'CANCEL', 'STATE', 'queued')
  }
}

test('retention deletes the oldest ended jobs, and no job that has not ended', slow, () =>
  inJobd(
    async (server) => {
      const { add, get, wait } = server
      const delayed = await add('sleep', '0', 'DELAY', '3600000')
      const running = await add('sleep', '60000')
      const first = await add('shell', 'echo kept; exit 1')
      await wait(first)
      await finish(server, 30)
      await until(async () => Number((await statsOf(server))['done']) === 10)
      expect(await get(delayed)).toMatchObject({ state: 'queued' })
      expect(await get(running)).toMatchObject({ state: 'running' })
      await expect(server.client.command('JOB.LOG', first)).rejects.toThrow('there is no job')
      expect(await statsOf(server)).toMatchObject({ queued: 1, running: 1, failed: 0 })
    },
    { retention: { last: 10 }, workers: 3 },
  ),
)

test('done jobs and failed jobs are kept each for their own time', slow, () =>
  inJobd(
    async (server) => {
      const { add, wait, get, client } = server
      const done = await add('sleep', '0')
      const failed = await add('shell', 'exit 1')
      await wait(done)
      await wait(failed)
      await until(async () => (await client.command('JOB.GET', done)) === null)
      expect(await get(failed)).toMatchObject({ state: 'failed' })
    },
    { retention: { done: 100, failed: 3_600_000 } },
  ),
)

test(
  'the file and the memory stay flat over many finished jobs',
  { tags: ['slow'], timeout: 300_000 },
  () =>
    inJobd(
      async (server) => {
        const total = Number(process.env['JOBD_FINISHED_JOBS'] ?? 200_000)
        const settle = async (): Promise<void> => {
          await until(async () => {
            const { done, cancelled } = await statsOf(server)
            return Number(done) + Number(cancelled) <= 1_000
          })
          globalThis.gc?.()
        }
        await finish(server, 1_000)
        await end(server, 20_000)
        await settle()
        const [file, heap] = [statSync(server.file).size, process.memoryUsage().heapUsed]
        await end(server, total)
        await finish(server, 1_000)
        await settle()
        // The file keeps up to 2,000 unused pages of 4 KiB for later jobs. Without retention it would grow by 20 MB or more.
        expect(statSync(server.file).size).toBeLessThan(file + 2_000 * 4_096)
        expect(process.memoryUsage().heapUsed).toBeLessThan(1.5 * heap + 20_000_000)
      },
      { retention: { last: 1_000 }, workers: 8 },
    ),
)

test('the file becomes smaller when much of its space is unused', slow, () =>
  inJobd(async ({ add, client, file }) => {
    const ids: number[] = []
    for (let i = 0; i < 40; i++)
      ids.push(await add('sleep', '0', 'KEY', `${i}${'k'.repeat(500_000)}`, 'DELAY', '9000000'))
    for (const id of ids) await client.command('JOB.CANCEL', id)
    const pages = (): number => {
      using database = new DatabaseSync(file, { readOnly: true })
      return Number(database.prepare('PRAGMA page_count').get()?.['page_count'])
    }
    const before = pages()
    expect(await client.command('JOB.DELETE', ...ids)).toBe(40)
    await until(async () => {
      await add('sleep', '0')
      return pages() < before / 2
    })
  }),
)

test('a key is free again when its finished job has been kept for its time', slow, () =>
  inJobd(async ({ add, wait, get, client }) => {
    const first = await add('sleep', '0', 'KEY', 'k', 'KEEP', '300')
    expect(await add('sleep', '0', 'KEY', 'k')).toBe(first)
    await wait(first)
    expect(await add('sleep', '0', 'KEY', 'k')).toBe(first)
    await sleep(350)
    const second = await add('sleep', '0', 'KEY', 'k')
    expect(second).not.toBe(first)
    expect(await get(first)).toMatchObject({ key: 'k', keep: 300 })
    // Without KEEP a job holds its key until the job is deleted.
    await wait(second)
    expect(await add('sleep', '0', 'KEY', 'k')).toBe(second)
    await expect(client.command('JOB.REQUEUE', first)).rejects.toThrow(
      `ERR job ${second} has the key of job ${first} by now`,
    )
    await client.command('JOB.DELETE', second)
    expect(await add('sleep', '0', 'KEY', 'k')).toBeGreaterThan(second)
    await expect(add('sleep', '0', 'KEEP', '5')).rejects.toThrow('ERR syntax error: KEEP')
  }),
)

test('JOB.REQUEUE queues a done job again, and refuses a job that has not ended', slow, () =>
  inJobd(async ({ add, wait, client }) => {
    const id = await add('shell', 'echo again')
    await wait(id)
    await expect(client.command('JOB.RETRY', id)).rejects.toThrow(
      `ERR job ${id} is done: only jobs that are failed or cancelled are queued again`,
    )
    await client.command('JOB.REQUEUE', id)
    expect(await wait(id)).toMatchObject({ state: 'done', attempts: 2 })
    const delayed = await add('sleep', '0', 'DELAY', '60000')
    await expect(client.command('JOB.REQUEUE', delayed)).rejects.toThrow('is queued')
    await expect(client.command('JOB.DELETE', delayed)).rejects.toThrow('is queued')
    await expect(client.command('JOB.DELETE', 99)).rejects.toThrow('there is no job 99')
  }),
)

test('JOB.BULK retries, cancels or deletes all jobs of a filter', slow, () =>
  inJobd(async (server) => {
    const { add, wait, client } = server
    const failed: number[] = []
    for (let i = 0; i < 5; i++) failed.push(await add('shell', 'exit 1', 'KEY', `f${i}`))
    for (const id of failed) await wait(id)
    for (let i = 0; i < 1_500; i++) await add('sleep', '0', 'DELAY', '3600000')
    const running = await add('sleep', '60000')
    await server.reach(running, 'running')
    expect(await client.command('JOB.BULK', 'RETRY', 'STATE', 'failed', 'KEY', 'f3')).toBe(1)
    expect(await wait(failed[3] as number)).toMatchObject({ attempts: 2 })
    expect(await client.command('JOB.BULK', 'retry', 'KIND', 'shell')).toBe(5)
    for (const id of failed) await wait(id)
    expect(await client.command('JOB.BULK', 'CANCEL', 'KIND', 'sleep')).toBe(1_501)
    expect(await statsOf(server)).toMatchObject({ cancelled: 1_501, queued: 0, running: 0 })
    expect(await client.command('JOB.PURGE', 'STATE', 'cancelled')).toBe(1_501)
    expect(await client.command('JOB.PURGE', 'OLDER', '3600000')).toBe(0)
    expect(await client.command('JOB.BULK', 'DELETE', 'ALL')).toBe(5)
    expect(await client.command('JOB.LIST')).toEqual([])
    await expect(client.command('JOB.BULK', 'BURN', 'ALL')).rejects.toThrow('ERR expected one of')
    await expect(client.command('JOB.BULK', 'CANCEL', 'STATE', 'odd')).rejects.toThrow('STATE must')
  }),
)

test(
  'jobs of paused kinds do not begin, even after a restart of each part or of the server',
  slow,
  () =>
    inFolder(async (folder) => {
      const file = join(folder, 'jobs')
      let paused = 0
      await inJobd(
        async (server) => {
          await server.client.command('JOB.PAUSE', 'shell')
          paused = await server.add('shell', 'true')
          await server.wait(await server.add('sleep', '0'))
          await server.client.command('ACTOR.KILL', 'store')
          await until(async () => {
            try {
              await using client = await JobClient.connect('127.0.0.1', server.jobd.port)
              await client.command(
                'JOB.WAIT',
                (await client.command('JOB.ADD', 'sleep', '0')) as number,
              )
              return toRecord(await client.command('JOB.GET', paused))['state'] === 'queued'
            } catch {
              return false
            }
          })
        },
        { file },
      )
      await inJobd(
        async (server) => {
          const { client, wait, get } = server
          await wait(await server.add('sleep', '0'))
          expect(await get(paused)).toMatchObject({ state: 'queued', attempts: 0 })
          expect(await statsOf(server)).toMatchObject({ paused: 'shell' })
          await client.command('JOB.RESUME', 'shell')
          expect(await wait(paused)).toMatchObject({ state: 'done' })
          await client.command('JOB.PAUSE')
          await expect(client.command('JOB.RESUME', 'shell')).rejects.toThrow('resume all of them')
          await expect(client.command('JOB.PAUSE', 'odd')).rejects.toThrow(`unknown kind 'odd'`)
        },
        { file },
      )
    }),
)

test('JOB.DRAIN lets no more jobs begin, and answers when no job runs', slow, () =>
  inJobd(async ({ add, reach, client, wait, get, file }) => {
    const gate = `${file}.gate`
    const id = await add('shell', `until [ -e '${gate}' ]; do sleep 0.02; done`)
    await reach(id, 'running')
    await expect(client.command('JOB.DRAIN', 'TIMEOUT', 20)).rejects.toThrow(
      'TIMEOUT jobs still run',
    )
    const next = await add('sleep', '0')
    let isDrained = false
    const drain = client.command('JOB.DRAIN').then(() => (isDrained = true))
    expect(await get(next)).toMatchObject({ state: 'queued' })
    expect(isDrained).toBe(false)
    writeFileSync(gate, '')
    await drain
    expect(await get(id)).toMatchObject({ state: 'done' })
    expect(await get(next)).toMatchObject({ state: 'queued' })
    await client.command('JOB.RESUME')
    await wait(next)
  }),
)

test.for([3_600_000, -3_600_000])(
  'a step of the wall clock by %i ms does not change the delay of a job, before or after a restart',
  slow,
  (step) =>
    inJobd(async ({ add, wait, get }) => {
      const real = Date.now
      const soon = await add('sleep', '0', 'DELAY', '1500')
      const late = await add('sleep', '0', 'DELAY', '600000')
      const before = Number((await get(late))['notBefore'])
      const begun = performance.now()
      vi.spyOn(Date, 'now').mockImplementation(() => real() + step)
      expect(await wait(soon)).toMatchObject({ state: 'done' })
      expect(performance.now() - begun).toBeGreaterThan(1_000)
      expect(await get(late)).toMatchObject({ state: 'queued' })
      await until(async () => Math.abs(Number((await get(late))['notBefore']) - before - step) < 50)
      vi.restoreAllMocks()
      // The clock is set right again. The job must neither wait for another hour nor begin at once.
      await until(async () => Math.abs(Number((await get(late))['notBefore']) - before) < 100)
      expect(await get(late)).toMatchObject({ state: 'queued' })
    }),
)

test.for([3_600_000, -3_600_000])(
  'the wall clock steps by %i ms: the times of an attempt say how long it took',
  (step) =>
    inFolder((folder) =>
      runVirtual(async () => {
        let offset = 0
        vi.spyOn(Date, 'now').mockImplementation(() => Math.round(getEventLoop().time()) + offset)
        const kinds = defineKinds({
          fails: {
            run: async () => {
              await sleep(10_500)
              throw new Error('as it should')
            },
          },
        })
        await inScheduling({ file: join(folder, 'jobs'), kinds }, async ({ store, scheduler }) => {
          const id = await scheduler.ask.submit(request('fails', { retries: 1 }))
          // The server checks the clock each second. It notices this step when the first attempt ends.
          await sleep(10_200)
          offset = step
          // The server notices this step when the second attempt begins.
          await sleep(305)
          offset = 0
          await scheduler.ask({ timeout: Infinity }).wait(id)
          const attempts = (await store.ask.attempts(id)) ?? []
          const took = attempts.map(({ startedAt, endedAt }) => Number(endedAt) - Number(startedAt))
          expect(took).toEqual([10_500, 10_500])
        })
      }),
    ),
)

test('an ended JOB.WAIT leaves no waiter, timer or listener behind', slow, () =>
  inJobd(
    async (server) => {
      const { add, wait, client, jobd } = server
      const id = await add('sleep', '0')
      await wait(id)
      const timers = (): number =>
        process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
      const before = timers()
      for (let i = 0; i < 500; i++) await client.command('JOB.WAIT', id, 'TIMEOUT', '3600000')
      expect(timers()).toBeLessThanOrEqual(before + 1)
      const never = await add('sleep', '0', 'DELAY', '3600000')
      await expect(client.command('JOB.WAIT', never, 'TIMEOUT', 1)).rejects.toThrow('TIMEOUT')
      expect(await statsOf(server)).toMatchObject({ waiters: 0 })
      {
        // These clients disconnect while they wait.
        const clients = await Promise.all(
          Array.from({ length: 20 }, () => JobClient.connect('127.0.0.1', jobd.port)),
        )
        for (const each of clients)
          void each.command('JOB.WAIT', never).then(
            () => {},
            () => {},
          )
        await until(async () => (await statsOf(server))['waiters'] === 20)
        for (const each of clients) await each[Symbol.asyncDispose]()
      }
      await until(async () => (await statsOf(server))['waiters'] === 0)
    },
    { clients: { patience: 200 } },
  ),
)

test('a JOB.WAIT and a JOB.DRAIN that are given up leave nothing in the scheduler', slow, () =>
  inJobd(async ({ client, add, reach, jobd }) => {
    const id = await add('sleep', '60000')
    await reach(id, 'running')
    const ports = (): number => queryObjects(ReplyPort, { format: 'count' })
    await using socket = await RawSocket.open(jobd.port)
    await socket.send('HELLO 3\r\n').until('\r\n')
    const before = ports()
    for (let i = 0; i < 50; i++) {
      await socket.send(`JOB.WAIT ${id} TICKET t\r\n`).until('+OK\r\n')
      await socket.send('JOB.UNWAIT t\r\n').until(':1\r\n')
      await thrown(client.command('JOB.DRAIN', 'TIMEOUT', 0))
    }
    // Other parts of the server may have requests in flight too, so up to 10 more ports are allowed.
    await until(() => ports() < before + 10)
  }),
)

test(
  'a backup is made while the server writes, and restored after the server has ended',
  slow,
  () =>
    inFolder(async (folder) => {
      const [file, copy] = [join(folder, 'jobs'), join(folder, 'copy')]
      let known = 0
      await inJobd(
        async (server) => {
          await server.add('shell', 'echo copied')
          const adding = finish(server, 300)
          backUpFile(file, copy)
          backUpFile(file, copy)
          expect(() => restoreFile(copy, file)).toThrow(/is in use by process/)
          await adding
          known = Object.values(checkFile(copy).counts).reduce((sum, n) => sum + n, 0)
          expect(known).toBeGreaterThan(0)
          expect(known).toBeLessThanOrEqual(301)
        },
        { file },
      )
      expect(restoreFile(copy, file)).toBe(`${file}.before-restore`)
      expect(checkFile(file).counts).toEqual(checkFile(copy).counts)
      expect(Object.values(checkFile(`${file}.before-restore`).counts)).toEqual([301])
      await inJobd(async ({ get }) => expect((await get(1))['kind']).toBe('shell'), { file })
      // A file that is not a file of jobs is neither overwritten nor used as a source.
      const notes = join(folder, 'notes')
      await copyFile(import.meta.filename, notes)
      expect(() => backUpFile(file, notes)).toThrow('is not a file of jobs')
      expect(() => restoreFile(file, notes)).toThrow('is not a file of jobs')
      expect(() => restoreFile(notes, file)).toThrow('file is not a database')
      expect(() => checkFile(join(folder, 'nothing'))).toThrow('there is no file')
      expect(await readFile(notes, 'utf8')).toContain('is neither overwritten')
    }),
)
