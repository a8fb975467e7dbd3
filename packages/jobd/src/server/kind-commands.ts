import { mostInRate } from '../jobs/kind.ts'
import type { Reply } from '../protocol/resp.ts'
import type { KindLimits, LimitChange } from '../jobs/kind-limits.ts'
import { Times } from '../scheduling/cron.ts'
import { missedPolicies, type MissedPolicy, type Schedule } from '../store/schedule-rows.ts'
import { CommandError, parseNumber, parseOptions } from './arguments.ts'
import type { Command } from './commands.ts'
import { requestOptions, toRequest } from './job-arguments.ts'

const ok: Reply = { simple: 'OK' }

/** The longest time for which a rate can be given, in milliseconds: 30 days. */
const longestPer = 2_592_000_000

const limitOptions = ['CONCURRENCY', 'RATE', 'PER', 'GROUP', 'GROUPRATE', 'GROUPPER']

/** Every command about kinds of jobs: their limits, their schedules, their module. */
export const kindCommands: Record<string, Command> = {
  'JOB.LIMIT': {
    least: 0,
    most: 1 + 2 * limitOptions.length,
    run: async ([kind, ...words], { scheduler, kinds, audit }, { who, address }) => {
      if (kind === undefined) {
        const ask = scheduler.ask
        return Promise.all(
          kinds.names.map(async (name) => describeLimits(name, await ask.limitsOf(name))),
        )
      }
      kinds.check(kind)
      const isReset = words.length === 1 && words[0]?.toUpperCase() === 'DEFAULT'
      if (isReset) await scheduler.ask.limit(kind, null)
      else if (words.length > 0)
        await scheduler.ask.limit(kind, parseChange(words, await scheduler.ask.limitsOf(kind)))
      if (words.length > 0) audit(`${who} at ${address}`, ['JOB.LIMIT', kind, ...words].join(' '))
      return describeLimits(kind, await scheduler.ask.limitsOf(kind))
    },
  },
  'JOB.EVERY': {
    least: 4,
    most: 4 + 2 * (requestOptions.length + 2),
    isAudited: true,
    run: async ([name = '', spec = '', kind = '', payload = '', ...rest], { schedules, kinds }) => {
      if (!/^[\w.:@/-]{1,128}$/.test(name))
        throw new CommandError(
          `the name of a schedule has 1 to 128 letters, digits and _ . : @ / -, got '${name.slice(0, 64)}'`,
        )
      const options = parseOptions(rest, [...requestOptions, 'ZONE', 'MISSED'])
      const zone = options.get('ZONE') ?? null
      const missed = (options.get('MISSED') ?? 'once').toLowerCase()
      if (!isMissedPolicy(missed))
        throw new CommandError(`MISSED must be one of ${missedPolicies.join(', ')}`)
      // The times are checked here, before the actor `schedules` computes them, because an error in the actor would
      // crash the actor.
      const times = new Times(spec, zone)
      if (times.after(Date.now()) === null)
        throw new CommandError(`the schedule '${spec.slice(0, 64)}' has no time in the future`)
      const request = toRequest(kind, payload, options, kinds)
      return await schedules.ask.put({ name, spec, zone, missed, request })
    },
  },
  'JOB.SCHEDULES': {
    least: 0,
    most: 0,
    run: async (_, { schedules }) => (await schedules.ask.list()).map(describeSchedule),
  },
  'JOB.UNSCHEDULE': {
    least: 1,
    most: 1,
    isAudited: true,
    run: async ([name = ''], { schedules }) => {
      await schedules.ask.remove(name)
      return ok
    },
  },
  'JOB.KINDS': {
    least: 0,
    most: 0,
    run: (_, { kinds }) =>
      kinds.names.map(
        (name): Reply =>
          new Map<string, Reply>([
            ['name', name],
            ['placeholder', kinds.get(name)?.placeholder ?? ''],
            ['pool', kinds.get(name)?.pool ?? null],
          ]),
      ),
  },
  'JOB.RELOAD': {
    least: 0,
    most: 0,
    isAudited: true,
    run: async (_, { reload }) => {
      const { reloaded, kept } = await reload()
      return new Map<string, Reply>([
        ['reloaded', reloaded],
        ['kept', kept],
      ])
    },
  },
}

function isMissedPolicy(text: string): text is MissedPolicy {
  return (missedPolicies as readonly string[]).includes(text)
}

/** Reads a limit: a number, or `none` for no limit. @throws {CommandError} for any other text */
function parseLimit(name: string, text: string, most?: number): number | null {
  return text.toLowerCase() === 'none' ? null : parseNumber(name, text, 1, most)
}

/** Reads the limits that a command changes. @throws {CommandError} when one of them is wrong */
function parseChange(words: readonly string[], now: KindLimits): LimitChange {
  const options = parseOptions(words, limitOptions)
  const change: LimitChange = {}
  const concurrency = options.get('CONCURRENCY')
  if (concurrency !== undefined) change.concurrency = parseLimit('CONCURRENCY', concurrency)
  const group = options.get('GROUP')
  if (group !== undefined) change.groupConcurrency = parseLimit('GROUP', group)
  for (const [name, perName, property] of [
    ['RATE', 'PER', 'rate'],
    ['GROUPRATE', 'GROUPPER', 'groupRate'],
  ] as const) {
    const [text, per] = [options.get(name), options.get(perName)]
    if (text === undefined && per !== undefined)
      throw new CommandError(`syntax error: ${perName} belongs to ${name}, and there is no ${name}`)
    if (text === undefined) continue
    const limit = parseLimit(name, text, mostInRate)
    const ms =
      per === undefined ? (now[property]?.per ?? 1_000) : parseNumber(perName, per, 1, longestPer)
    change[property] = limit === null ? null : { limit, per: ms }
  }
  return change
}

function describeLimits(kind: string, limits: KindLimits): Reply {
  const { concurrency, rate, groupConcurrency, groupRate } = limits
  return new Map<string, Reply>([
    ['kind', kind],
    ['concurrency', concurrency],
    ['rate', rate?.limit ?? null],
    ['per', rate?.per ?? null],
    ['group', groupConcurrency],
    ['groupRate', groupRate?.limit ?? null],
    ['groupPer', groupRate?.per ?? null],
  ])
}

function describeSchedule(schedule: Schedule): Reply {
  const { name, spec, zone, missed, request, nextAt, lastAt, lastJob } = schedule
  return new Map<string, Reply>([
    ['name', name],
    ['spec', spec],
    ['zone', zone],
    ['missed', missed],
    ['kind', request.kind],
    ['payload', request.payload],
    ['nextAt', nextAt],
    ['lastAt', lastAt],
    ['lastJob', lastJob],
  ])
}
