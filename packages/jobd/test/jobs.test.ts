import { readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { gather } from '@tasktree/core'
import { expect, test } from 'vitest'
import { JobClient, toRecord } from '../src/client/job-client.ts'
import { inJobd, until } from './support/in-jobd.ts'

const slow = { tags: ['slow'] }

test('a job runs once, and its result can be read again afterwards', slow, () =>
  inJobd(async ({ add, wait, get }) => {
    const id = await add('shell', 'echo hello')
    expect(await wait(id)).toMatchObject({
      state: 'done',
      result: 'hello',
      attempts: 1,
      error: null,
    })
    expect(await get(id)).toEqual(await wait(id))
  }),
)

test('a command about a job that does not exist gives null', slow, () =>
  inJobd(async ({ client }) => {
    expect(await client.command('JOB.GET', 9)).toBeNull()
    expect(await client.command('JOB.WAIT', 9)).toBeNull()
    expect(await client.command('JOB.WAIT', 9, 'TIMEOUT', 0)).toBeNull()
  }),
)

test('jobs begin in the order of priority, and then of age', slow, () =>
  inJobd(
    async ({ add, wait, reach, client, file }) => {
      const blocker = await add('sleep', '60000')
      await reach(blocker, 'running')
      const ids: number[] = []
      for (const [i, priority] of ['5', '-3', '0', '-3', '5'].entries())
        ids.push(await add('shell', `echo ${i} >> ${file}.order`, 'PRIORITY', priority))
      await client.command('JOB.CANCEL', blocker)
      for (const id of ids) await wait(id)
      expect(await readFile(`${file}.order`, 'utf8')).toBe('1\n3\n2\n0\n4\n')
    },
    { workers: 1 },
  ),
)

test('a delayed job begins when its delay is over', slow, () =>
  inJobd(async ({ add, wait, get }) => {
    const late = await add('sleep', '0', 'DELAY', '300')
    const later = await add('sleep', '0', 'DELAY', '3600000')
    const { createdAt, startedAt } = await wait(late)
    expect(Number(startedAt) - Number(createdAt)).toBeGreaterThanOrEqual(300)
    expect((await get(later))['state']).toBe('queued')
  }),
)

test('two additions with the same key give one job', slow, () =>
  inJobd(async ({ add, wait }) => {
    const id = await add('sleep', '0', 'KEY', 'once')
    expect(await add('shell', 'false', 'KEY', 'once')).toBe(id)
    expect(await wait(id)).toMatchObject({ kind: 'sleep', state: 'done' })
    expect(await add('sleep', '0', 'KEY', 'twice')).not.toBe(id)
  }),
)

test(
  'a job that fails is tried again as often as its retries allow, and then has failed',
  slow,
  () =>
    inJobd(async ({ add, wait }) => {
      expect(await wait(await add('shell', 'echo no; exit 3', 'RETRIES', '2'))).toMatchObject({
        state: 'failed',
        attempts: 3,
        error: 'exit code 3: no',
      })
    }),
)

test(
  'a failed or cancelled job runs again after JOB.RETRY, and its attempts are counted on',
  slow,
  () =>
    inJobd(async ({ add, wait, client }) => {
      const id = await add('shell', 'exit 1')
      await wait(id)
      expect(await client.command('JOB.RETRY', id)).toEqual({ simple: 'OK' })
      expect(await wait(id)).toMatchObject({ state: 'failed', attempts: 2 })
      const done = await add('sleep', '0')
      await wait(done)
      await expect(client.command('JOB.RETRY', done)).rejects.toThrow(`ERR job ${done} is done`)
      await expect(client.command('JOB.CANCEL', done)).rejects.toThrow(
        `ERR job ${done} is done already`,
      )
    }),
)

test('a cancel ends a queued job at once, and a running job together with its work', slow, () =>
  inJobd(
    async ({ add, wait, get, client }) => {
      const running = await add('sleep', '60000')
      const queued = await add('sleep', '60000')
      const delayed = await add('sleep', '60000', 'DELAY', '60000')
      for (const id of [queued, delayed, running]) {
        expect(await client.command('JOB.CANCEL', id)).toEqual({ simple: 'OK' })
        expect((await get(id))['state']).toBe('cancelled')
        expect(await wait(id)).toMatchObject({ state: 'cancelled', result: null })
      }
      // The worker is free again.
      expect(await wait(await add('sleep', '0'))).toMatchObject({ state: 'done' })
    },
    { workers: 1 },
  ),
)

test('a job that reaches its time limit fails with an error that says so', slow, () =>
  inJobd(async ({ add, wait }) => {
    expect(await wait(await add('sleep', '60000', 'TIMEOUT', '20'))).toMatchObject({
      state: 'failed',
      error: expect.stringMatching(/^the time .* has passed$/),
    })
  }),
)

test('JOB.WAIT with a timeout answers with an error if the job still runs', slow, () =>
  inJobd(async ({ add, client }) => {
    const id = await add('sleep', '60000')
    await expect(client.command('JOB.WAIT', id, 'TIMEOUT', 30)).rejects.toThrow(
      /^TIMEOUT job 1 is still (queued|running) after 30 ms$/,
    )
    await expect(client.command('JOB.WAIT', id, 'TIMEOUT', 0)).rejects.toThrow(/^TIMEOUT/)
  }),
)

test('the longest timeouts and delays that a command takes do not end early', slow, () =>
  inJobd(async ({ add, client, wait }) => {
    const longest = String(2 ** 50)
    const id = await add('sleep', '50', 'TIMEOUT', longest)
    const reply = await client.command('JOB.WAIT', id, 'TIMEOUT', longest)
    expect(reply).toContain('done')
    const never = await add('sleep', '0', 'DELAY', longest)
    await expect(client.command('JOB.WAIT', never, 'TIMEOUT', 50)).rejects.toThrow(/still queued/)
    expect((await wait(id))['attempts']).toBe(1)
  }),
)

test('an addition to a full queue is refused until there is room', slow, () =>
  inJobd(
    async ({ add, wait, reach, client }) => {
      const running = await add('sleep', '60000')
      await reach(running, 'running')
      const queued = [await add('sleep', '0'), await add('sleep', '0')]
      await expect(add('sleep', '0')).rejects.toThrow(/^BUSY 2 jobs are queued/)
      await client.command('JOB.CANCEL', running)
      for (const id of queued) expect(await wait(id)).toMatchObject({ state: 'done' })
      await wait(await add('sleep', '0'))
    },
    { workers: 1, maxQueued: 2 },
  ),
)

test('an addition to a full queue with the key of a job in the queue gives that job', slow, () =>
  inJobd(
    async ({ add, wait, reach, client }) => {
      const ended = await add('sleep', '0', 'KEY', 'ended')
      await wait(ended)
      const expired = await add('sleep', '0', 'KEY', 'expired', 'KEEP', '0')
      await wait(expired)
      const running = await add('sleep', '60000', 'KEY', 'running')
      await reach(running, 'running')
      // The first of two requests with the same key takes the last place in the queue.
      const twins = [0, 1].map(() => client.add('sleep', '0', { key: 'queued' }))
      const [queued] = await Promise.all(twins)
      expect(await twins[1]).toBe(queued)
      for (const [key, id] of Object.entries({ ended, running, queued }))
        expect(await client.add('sleep', '0', { key })).toBe(id)
      for (const key of ['expired', 'free'])
        await expect(client.add('sleep', '0', { key })).rejects.toThrow(/^BUSY 1 jobs are queued/)
    },
    { workers: 1, maxQueued: 1 },
  ),
)

test('a full queue refuses to retry an ended job until there is room', slow, () =>
  inJobd(
    async ({ add, wait, reach, client, get }) => {
      const failed = [await add('shell', 'false'), await add('shell', 'false')]
      for (const id of failed) await wait(id)
      const running = await add('sleep', '60000')
      await reach(running, 'running')
      const queued = [await add('sleep', '60000'), await add('sleep', '60000')]
      const [id] = failed
      for (const line of [`JOB.RETRY ${id}`, `JOB.REQUEUE ${id}`, 'JOB.BULK RETRY ALL'])
        await expect(client.command(...line.split(' '))).rejects.toThrow(/^BUSY 2 jobs are queued/)
      expect(await get(id as number)).toMatchObject({ state: 'failed' })
      await expect(client.retry(99)).rejects.toThrow('there is no job 99')
      await expect(client.retry(running)).rejects.toThrow(`job ${running} is running: only`)
      await client.cancel(queued[0] as number)
      // There is room for only one of the two jobs.
      const outcomes = await Promise.allSettled(failed.map((id) => client.retry(id)))
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    },
    { workers: 1, maxQueued: 2 },
  ),
)

test(
  'a kind runs as many jobs at once as its capacity, and other kinds do not wait for it',
  slow,
  () =>
    inJobd(
      async ({ add, wait, get, reach, client }) => {
        const [a, b] = [await add('sleep', '60000'), await add('sleep', '60000')]
        await wait(await add('shell', 'true'))
        expect([(await get(a))['state'], (await get(b))['state']]).toEqual(['running', 'queued'])
        await client.command('JOB.CANCEL', a)
        await reach(b, 'running')
      },
      { workers: 3, limits: { sleep: { concurrency: 1 } } },
    ),
)

test('the output of a job is kept as it comes, with characters whole', slow, () =>
  inJobd(async ({ add, wait, client }) => {
    const id = await add(
      'shell',
      String.raw`printf '\342'; sleep 0.05; printf '\230\203\n'; echo err >&2; exit 1`,
    )
    await wait(id)
    expect(await client.command('JOB.LOG', id)).toBe('☃\nerr\n')
  }),
)

test('a job whose worker is killed runs again, and its attempt is counted', slow, () =>
  inJobd(
    async ({ add, wait, reach, client }) => {
      const id = await add('sleep', '300')
      await reach(id, 'running')
      await client.command('ACTOR.KILL', 'workers/worker-1')
      expect(await wait(id)).toMatchObject({ state: 'done', attempts: 2 })
    },
    { workers: 1 },
  ),
)

test.for(['workers', 'store', 'scheduler', 'pools'])(
  'after a kill of %s all parts that depend on it come back and work',
  slow,
  (id) =>
    inJobd(async ({ jobd, add }) => {
      const pending = await add('sleep', '200')
      await jobd.system.lookup(id)?.kill()
      await until(() => jobd.system.lookup(id)?.status === 'running')
      await until(() => jobd.system.lookup('workers/worker-2')?.status === 'running')
      await until(() => jobd.system.lookup('dashboard')?.status === 'running')
      await using client = await JobClient.connect('127.0.0.1', jobd.port)
      expect(toRecord(await client.command('JOB.WAIT', pending))).toMatchObject({ state: 'done' })
    }),
)

test('the end of a server lets running jobs end within the grace, and loses no job', slow, () =>
  inJobd(
    async ({ jobd, client, add, reach, file }) => {
      const short = await add('sleep', '300')
      const long = await add('sleep', '60000')
      const queued = await add('sleep', '0', 'PRIORITY', '1')
      await reach(long, 'running')
      const [answer] = await gather([
        () => client.command('JOB.WAIT', short),
        () => jobd[Symbol.asyncDispose](),
      ])
      expect(answer).toContain('done')
      using database = new DatabaseSync(file)
      const rows = database.prepare('SELECT id, state FROM jobs ORDER BY id').all()
      expect(rows.map(({ id, state }) => [id, state])).toEqual([
        [short, 'done'],
        [long, expect.stringMatching(/queued|running/)],
        [queued, 'queued'],
      ])
    },
    { grace: 1_000, workers: 2 },
  ),
)
