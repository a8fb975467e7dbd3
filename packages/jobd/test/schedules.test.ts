import { join } from 'node:path'
import { getEventLoop, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test, vi } from 'vitest'
import { defineKinds } from '../src/jobs/kind.ts'
import { Times } from '../src/scheduling/cron.ts'
import { dueTimes } from '../src/scheduling/schedules.ts'
import { inFolder } from './support/folder.ts'
import { inJobd, until } from './support/in-jobd.ts'
import { inScheduling, request } from './support/scheduling.ts'

const slow = { tags: ['slow'] }
const at = (text: string): number => new Date(text).getTime()

describe('the times of a schedule', () => {
  test('follow a pattern in a time zone, over the changes to and from summer time', () => {
    const times = new Times('30 2 * * *', 'Europe/Berlin')
    const all: string[] = []
    let time = at('2026-03-27T12:00:00Z')
    for (let i = 0; i < 4; i++)
      all.push(new Date((time = times.after(time) as number)).toISOString())
    // On March 29th the clock jumps from two to three, so there is no 2:30. The time is due at three.
    expect(all).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
      '2026-03-31T00:30:00.000Z',
    ])
    // On October 25th there are two times 2:30. The schedule is due only once.
    const autumn = times.after(at('2026-10-24T12:00:00Z')) as number
    const next = times.after(autumn) as number
    expect(next - autumn).toBeGreaterThan(23 * 3_600_000)
  })

  test.each([
    ['nonsense', null],
    ['* * * *', null],
    ['61 * * * *', null],
    ['* * * * *', 'Mars/Olympus'],
    ['5', null],
    [String(2 ** 50 + 1), null],
    ['5000', 'Europe/Berlin'],
  ])('are refused for the pattern %s in the zone %s', (spec, zone) => {
    expect(() => new Times(spec, zone)).toThrow(/^the schedule|^a schedule|^a number/)
  })

  test.each([
    ['skip', 0, [0]],
    ['skip', 600_000, [600_000]],
    ['skip', 630_000, []],
    ['once', 630_000, [600_000]],
    ['all', 150_000, [0, 60_000, 120_000]],
    ['all', -1, []],
  ] as const)(
    'that were missed, with the option %s and %i ms late, are served as the option says',
    (missed, late, expected) => {
      const nextAt = at('2026-01-01T00:00:00Z')
      const times = new Times('* * * * *', 'UTC')
      const due = dueTimes(times, { nextAt, missed }, nextAt + late)
      expect(due.times.map((time) => time - nextAt)).toEqual(expected)
      expect(due.nextAt).toBe(nextAt + (Math.floor(late / 60_000) + 1) * 60_000)
    },
  )
})

test('a schedule adds its jobs, and is listed, changed and removed', slow, () =>
  inJobd(async ({ client, get, wait }) => {
    const first = Number(
      await client.command('JOB.EVERY', 'often', 150, 'sleep', '0', 'PRIORITY', 3),
    )
    expect(first).toBeGreaterThan(Date.now() - 60_000)
    await until(async () => (await client.command('JOB.GET', 3)) !== null)
    expect(await wait(2)).toMatchObject({ state: 'done', schedule: 'often', priority: 3 })
    const [one, two] = [await get(1), await get(2)]
    expect(Number(two['scheduledAt']) - Number(one['scheduledAt'])).toBe(150)
    // A program may send its schedules at each start. The next time of a schedule stays the same.
    const yearly = await client.command(
      'JOB.EVERY',
      'yearly',
      '0 0 1 1 *',
      'sleep',
      '0',
      'ZONE',
      'UTC',
    )
    await sleep(5)
    expect(
      await client.command('JOB.EVERY', 'yearly', '0 0 1 1 *', 'sleep', '7', 'ZONE', 'UTC'),
    ).toBe(yearly)
    const listed = (await client.command('JOB.SCHEDULES')) as unknown[][]
    expect(listed.map((each) => each[1])).toEqual(['often', 'yearly'])
    expect(listed[1]).toEqual(expect.arrayContaining(['payload', '7', 'nextAt', yearly]))
    await client.command('JOB.UNSCHEDULE', 'often')
    await expect(client.command('JOB.UNSCHEDULE', 'often')).rejects.toThrow('there is no schedule')
    const { length } = (await client.command('JOB.LIST')) as unknown[]
    await sleep(400)
    expect(((await client.command('JOB.LIST')) as unknown[]).length).toBe(length)
    for (const [words, message] of [
      [['a b', '5000', 'sleep', '0'], 'the name of a schedule has'],
      [['a', 'never', 'sleep', '0'], "the schedule 'never' cannot be used"],
      [['a', '* * * * *', 'sleep', 'x'], 'sleep: expected whole milliseconds'],
      [['a', '* * * * *', 'nap', '1'], "unknown kind 'nap'"],
      [['a', '* * * * *', 'sleep', '1', 'ZONE', 'Moon'], 'cannot be used'],
      [['a', '* * * * *', 'sleep', '1', 'MISSED', 'maybe'], 'MISSED must be one of'],
      [['a', '0 0 1 1 * 2020', 'sleep', '1'], 'cannot be used'],
    ] as const)
      await expect(client.command('JOB.EVERY', ...words)).rejects.toThrow(message)
  }),
)

test.each([3_600_000, -3_600_000])(
  'the wall clock steps by %i ms: no cron time is served twice, and intervals keep their length',
  { tags: ['slow'] },
  (step) =>
    inFolder((folder) =>
      runVirtual(async () => {
        const served: [schedule: string, at: number][] = []
        const kinds = defineKinds({
          tick: {
            run: (schedule: string, ctx) => void served.push([schedule, ctx.scheduledAt as number]),
          },
        })
        // The wall clock follows the virtual time. In the middle of the test it is set to another time.
        const start = at('2026-05-05T10:00:00Z')
        const loop = getEventLoop()
        const zero = loop.time()
        let offset = 0
        vi.spyOn(Date, 'now').mockImplementation(() => start + offset + (loop.time() - zero))
        await inScheduling({ file: join(folder, 'jobs.sqlite'), kinds }, async ({ schedules }) => {
          const every = (name: string, spec: string): PromiseLike<number | null> =>
            schedules.ask.put({
              name,
              spec,
              zone: spec.includes('*') ? 'UTC' : null,
              missed: 'once',
              request: request('tick', { payload: name }),
            })
          await every('minutely', '* * * * *')
          await every('interval', '10000')
          await sleep(300_500)
          offset = step
          await sleep(300_000)
        })
        const of = (name: string): number[] =>
          served.filter(([each]) => each === name).map((each) => each[1])
        expect(new Set(of('minutely')).size).toBe(of('minutely').length)
        // The interval of ten seconds is due about 60 times in ten minutes, even if the wall clock steps.
        expect(of('interval').length).toBeGreaterThanOrEqual(59)
        expect(of('interval').length).toBeLessThanOrEqual(61)
        // After a step forward, all missed minutes together are served once. After a step back, no minute is served again.
        expect(of('minutely').length).toBe(step > 0 ? 11 : 5)
      }),
    ),
)

test(
  'an interval goes on after the clock has stepped back to times that already had their jobs',
  slow,
  () =>
    inFolder((folder) =>
      runVirtual(async () => {
        let offset = 0
        vi.spyOn(Date, 'now').mockImplementation(() => Math.round(getEventLoop().time()) + offset)
        const kinds = defineKinds({ none: { run: () => undefined } })
        await inScheduling({ file: join(folder, 'jobs'), kinds }, async ({ store, schedules }) => {
          const schedule = {
            name: 'each second',
            spec: '1000',
            zone: null,
            missed: 'once',
          } as const
          await schedules.ask.put({ ...schedule, request: request('none') })
          await sleep(60_500)
          offset = -30_000
          await sleep(30_000)
          const jobs = await store.ask.list({ schedule: 'each second' }, 1_000)
          expect(jobs.length).toBeGreaterThanOrEqual(89)
          expect(jobs.length).toBeLessThanOrEqual(91)
        })
      }),
    ),
)

test(
  'an interval begins again at once if the clock was set back while the server was down',
  slow,
  () =>
    inFolder((folder) =>
      runVirtual(async () => {
        let offset = 7_200_000
        vi.spyOn(Date, 'now').mockImplementation(() => Math.round(getEventLoop().time()) + offset)
        const kinds = defineKinds({ none: { run: () => undefined } })
        const file = join(folder, 'jobs')
        const schedule = { name: 'each second', spec: '1000', zone: null, missed: 'once' } as const
        await inScheduling({ file, kinds }, async ({ schedules }) => {
          await schedules.ask.put({ ...schedule, request: request('none') })
          await sleep(5_500)
        })
        offset = 0
        await inScheduling({ file, kinds }, async ({ store }) => {
          await sleep(5_500)
          const jobs = await store.ask.list({ schedule: 'each second' }, 1_000)
          expect(jobs.length).toBeGreaterThanOrEqual(10)
        })
      }),
    ),
)

test('a schedule that is added again while its jobs are being added gets no second job for a time', () =>
  inFolder((folder) =>
    runVirtual(async () => {
      vi.spyOn(Date, 'now').mockImplementation(() => Math.round(getEventLoop().time()))
      const kinds = defineKinds({ none: { run: () => undefined } })
      await inScheduling({ file: join(folder, 'jobs'), kinds }, async ({ store, schedules }) => {
        const times = { name: 'each minute', spec: '60000', zone: null, missed: 'once' } as const
        const schedule = { ...times, request: request('none') }
        const at = (await schedules.ask.put(schedule)) as number
        await sleep(at - Date.now())
        for (let i = 0; i < 5; i++) await schedules.ask.put(schedule)
        await sleep(30_000)
        expect(await store.ask.list({ schedule: 'each minute' }, 10)).toHaveLength(1)
      })
    }),
  ))
