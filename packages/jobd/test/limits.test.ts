import { join } from 'node:path'
import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineKinds } from '../src/jobs/kind.ts'
import { JobQueue } from '../src/scheduling/job-queue.ts'
import { inFolder } from './support/folder.ts'
import { inJobd, until } from './support/in-jobd.ts'
import { inScheduling, request } from './support/scheduling.ts'

const slow = { tags: ['slow'] }

interface Run {
  kind: string
  group: string | null
  begin: number
  end: number
}

/** Returns the largest number of runs at the same time. */
function mostAtOnce(runs: readonly Run[]): number {
  return Math.max(
    0,
    ...runs.map(
      (run) => runs.filter(({ begin, end }) => begin <= run.begin && run.begin < end).length,
    ),
  )
}

/** Returns the largest number of runs that began within `per` milliseconds. */
function mostIn(runs: readonly Run[], per: number): number {
  return Math.max(
    0,
    ...runs.map(
      (run) => runs.filter(({ begin }) => begin >= run.begin && begin < run.begin + per).length,
    ),
  )
}

test('random jobs never exceed their limits, groups and rates', { tags: ['slow'] }, () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        concurrency: fc.integer({ min: 1, max: 4 }),
        rate: fc.integer({ min: 1, max: 5 }),
        per: fc.integer({ min: 10, max: 500 }),
        group: fc.integer({ min: 1, max: 2 }),
        groupRate: fc.integer({ min: 1, max: 3 }),
        groupPer: fc.integer({ min: 10, max: 400 }),
        jobs: fc.array(
          fc.record({
            kind: fc.constantFrom('limited', 'rated', 'grouped', 'free'),
            group: fc.constantFrom(null, 'a', 'b', 'c'),
            priority: fc.integer({ min: 0, max: 2 }),
            ms: fc.integer({ min: 0, max: 200 }),
            delay: fc.constantFrom(0, 0, 0, 50, 300),
            cancel: fc.integer({ min: 0, max: 9 }),
          }),
          { minLength: 1, maxLength: 40 },
        ),
      }),
      ({ jobs, ...limits }) =>
        inFolder((folder) =>
          runVirtual(async () => {
            const runs: Run[] = []
            const work =
              (kind: string) =>
              async (payload: string): Promise<void> => {
                const [group, ms] = JSON.parse(payload) as [string | null, number]
                const run = { kind, group, begin: getEventLoop().time(), end: Infinity }
                runs.push(run)
                try {
                  await sleep(ms)
                } finally {
                  run.end = getEventLoop().time()
                }
              }
            const kinds = defineKinds({
              limited: {
                concurrency: limits.concurrency,
                groupConcurrency: limits.group,
                run: work('limited'),
              },
              rated: {
                rate: { limit: limits.rate, per: limits.per },
                groupConcurrency: 100,
                groupRate: { limit: limits.groupRate, per: limits.groupPer },
                run: work('rated'),
              },
              grouped: { run: work('grouped') },
              free: { groupConcurrency: 1_000, run: work('free') },
            })
            await inScheduling(
              { file: join(folder, 'jobs.sqlite'), kinds },
              async ({ scheduler }) => {
                const ids: number[] = []
                for (const { kind, group, ms, priority, delay } of jobs)
                  ids.push(
                    await scheduler.ask.submit(
                      request(kind, {
                        group,
                        priority,
                        delay,
                        payload: JSON.stringify([group, ms]),
                      }),
                    ),
                  )
                for (const [i, { cancel }] of jobs.entries())
                  if (cancel === 0)
                    await scheduler.ask({ timeout: Infinity }).cancel(ids[i] as number)
                // All jobs end, so no limit holds a job back for ever.
                for (const id of ids) await scheduler.ask({ timeout: Infinity }).wait(id)
              },
            )
            expect(runs.length).toBeGreaterThanOrEqual(
              jobs.filter(({ cancel }) => cancel > 0).length,
            )
            const of = (kind: string): Run[] => runs.filter((run) => run.kind === kind)
            const groups = (all: Run[]): Run[][] =>
              ['a', 'b', 'c'].map((group) => all.filter((run) => run.group === group))
            expect(mostAtOnce(of('limited'))).toBeLessThanOrEqual(limits.concurrency)
            expect(mostIn(of('rated'), limits.per)).toBeLessThanOrEqual(limits.rate)
            for (const runs_ of groups(of('limited')))
              expect(mostAtOnce(runs_)).toBeLessThanOrEqual(limits.group)
            for (const runs_ of groups(of('rated')))
              expect(mostIn(runs_, limits.groupPer)).toBeLessThanOrEqual(limits.groupRate)
            for (const runs_ of groups(of('grouped')))
              expect(mostAtOnce(runs_)).toBeLessThanOrEqual(1)
          }),
        ),
    ),
    { numRuns: Number(process.env['JOBD_LIMIT_RUNS'] ?? 25) },
  ),
)

test('as many jobs run at once as the limits allow, and no group waits for another', slow, () =>
  inFolder((folder) =>
    runVirtual(async () => {
      const runs: Run[] = []
      const kinds = defineKinds({
        nap: {
          concurrency: 3,
          run: async (group: string) => {
            const run = { kind: 'nap', group, begin: getEventLoop().time(), end: 0 }
            runs.push(run)
            await sleep(100)
            run.end = getEventLoop().time()
          },
        },
      })
      await inScheduling({ file: join(folder, 'jobs.sqlite'), kinds }, async ({ scheduler }) => {
        const ids: number[] = []
        // Five jobs of one group come first. Jobs of other groups do not wait for them.
        for (const group of ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'c', 'd'])
          ids.push(await scheduler.ask.submit(request('nap', { group, payload: group })))
        for (const id of ids) await scheduler.ask({ timeout: Infinity }).wait(id)
      })
      expect(mostAtOnce(runs)).toBe(3)
      expect(runs.slice(0, 3).map(({ group }) => group)).toEqual(['a', 'b', 'c'])
      const all =
        Math.max(...runs.map(({ end }) => end)) - Math.min(...runs.map(({ begin }) => begin))
      // The five jobs of one group run one after another, 100 ms each.
      expect(all).toBeGreaterThanOrEqual(500)
      expect(all).toBeLessThan(520)
    }),
  ),
)

test('the queue asks about each closed group once and not at each look for a job', () =>
  runVirtual(async () => {
    const queue = new JobQueue(
      () => {},
      () => {},
    )
    const [groups, open] = [10_000, 'g0']
    for (let id = 1; id <= groups; id++)
      queue.add({ id, kind: 'k', group: `g${id % groups}`, priority: 0 }, 0)
    // The jobs of the only open group are last in the queue.
    for (let id = groups + 1; id <= 2 * groups; id++)
      queue.add({ id, kind: 'k', group: open, priority: 1 }, 0)
    let asked = 0
    const openings = {
      kind: () => true,
      group: (_: string, group: string) => {
        asked++
        return group === open
      },
    }
    for (let taken = 0; taken <= groups; taken++) expect(queue.take(openings)).not.toBeNull()
    expect(queue.take(openings)).toBeNull()
    // A scan would have asked 100 million times.
    expect(asked).toBeLessThan(3 * groups)
    queue.unblock('k', 'g7')
    expect(queue.take({ ...openings, group: () => true })?.group).toBe('g7')
  }))

test('limits can be changed while the server runs, and are kept in its file', slow, () =>
  inFolder(async (folder) => {
    const file = join(folder, 'jobs.sqlite')
    await inJobd(
      async ({ client, add, reach, get }) => {
        const ids: number[] = []
        for (let i = 0; i < 4; i++) ids.push(await add('sleep', '60000'))
        const [first, second, third, fourth] = ids as [number, number, number, number]
        await reach(first, 'running')
        expect(await client.command('JOB.LIMIT', 'sleep', 'CONCURRENCY', 3)).toContain(3)
        await reach(third, 'running')
        expect(await get(fourth)).toMatchObject({ state: 'queued' })
        await client.command('JOB.LIMIT', 'sleep', 'CONCURRENCY', 1)
        await client.command('JOB.CANCEL', first)
        await client.command('JOB.CANCEL', second)
        expect(await get(fourth)).toMatchObject({ state: 'queued' })
        await client.command('JOB.LIMIT', 'sleep', 'RATE', 5, 'PER', 60_000, 'GROUP', 2)
        expect(await client.command('JOB.LIMIT', 'sleep')).toEqual(
          ['kind', 'sleep', 'concurrency', 1, 'rate', 5, 'per', 60_000, 'group', 2].concat([
            'groupRate',
            null as unknown as string,
            'groupPer',
            null as unknown as string,
          ]),
        )
        for (const [words, message] of [
          [['nonsense'], "ERR unknown kind 'nonsense'"],
          [['sleep', 'CONCURRENCY', '0'], 'ERR CONCURRENCY must be a whole number from 1'],
          [['sleep', 'PER', '5'], 'ERR syntax error: PER belongs to RATE'],
          [['sleep', 'NOISE', '5'], 'ERR syntax error: there are CONCURRENCY'],
        ] as const)
          await expect(client.command('JOB.LIMIT', ...words)).rejects.toThrow(message)
      },
      { file, workers: 4, limits: { sleep: { concurrency: 1 } } },
    )
    await inJobd(
      async ({ client }) => {
        expect(await client.command('JOB.LIMIT', 'sleep')).toContain(60_000)
        const limits = await client.command('JOB.LIMIT', 'sleep', 'DEFAULT')
        expect(limits).toEqual(expect.arrayContaining(['concurrency', 2, 'rate', null]))
      },
      { file, limits: { sleep: { concurrency: 2 } } },
    )
  }),
)

test('the jobs that count for a rate are remembered after a restart', slow, () =>
  inFolder(async (folder) => {
    const options = {
      file: join(folder, 'jobs.sqlite'),
      limits: { sleep: { rate: { limit: 2, per: 3_600_000 } } },
    }
    await inJobd(async ({ add, wait }) => {
      await wait(await add('sleep', '0'))
      await wait(await add('sleep', '0'))
    }, options)
    await inJobd(async ({ add, get, client, wait }) => {
      const id = await add('sleep', '0')
      expect(await wait(await add('shell', 'true'))).toMatchObject({ state: 'done' })
      expect(await get(id)).toMatchObject({ state: 'queued', attempts: 0 })
      await client.command('JOB.LIMIT', 'sleep', 'RATE', 'none')
      await until(async () => (await get(id))['state'] === 'done')
    }, options)
  }),
)
