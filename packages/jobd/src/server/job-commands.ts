import { isCancelled, moveOnAfter } from '@tasktree/core'
import {
  finalStates,
  isJobKind,
  isJobState,
  type Job,
  type JobFilter,
  type JobKind,
  type JobRequest,
  type JobState,
  jobKinds,
  jobStates,
} from '../jobs/job.ts'
import { PayloadError } from '../jobs/kind.ts'
import { checkPayload } from '../jobs/kinds.ts'
import type { Reply } from '../protocol/resp.ts'
import { CommandError, largest, parseNumber, parseOptions } from './arguments.ts'
import { bulkActions, carryOutAll } from './bulk.ts'
import type { Command, Directory } from './commands.ts'

const ok: Reply = { simple: 'OK' }

/** More jobs would be too much for one reply. */
const mostListed = 1_000

/** For the work to end, in milliseconds. */
const longestCancel = 10_000

/** Of the tickets of JOB.WAIT: each wait has its own. */
let tickets = 0

/** Every command about jobs. */
export const jobCommands: Record<string, Command> = {
  'JOB.ADD': {
    least: 2,
    most: 14,
    overlaps: true,
    run: (words, { scheduler }) => scheduler.ask.submit(parseRequest(words)),
  },
  'JOB.GET': {
    least: 1,
    most: 1,
    run: async ([id], { store }) => describeJob(await store.ask.get(parseId(id))),
  },
  'JOB.WAIT': {
    least: 1,
    most: 3,
    run: async ([id, ...options], { scheduler }) => {
      const number = parseId(id)
      const limit = parseOptions(options, ['TIMEOUT']).get('TIMEOUT')
      const ms = limit === undefined ? null : parseNumber('TIMEOUT', limit, 0)
      const ticket = `wait-${++tickets}`
      let job: Job | null
      try {
        job = await scheduler.ask({ timeout: Infinity }).wait(number, ms, ticket)
      } catch (error) {
        // The client has gone: nobody waits any more.
        if (isCancelled(error)) void scheduler.tell.stopWaiting(number, ticket)
        throw error
      }
      if (job !== null && !finalStates.has(job.state))
        throw new CommandError(`job ${number} is still ${job.state} after ${ms} ms`, 'TIMEOUT')
      return describeJob(job)
    },
  },
  'JOB.CANCEL': {
    least: 1,
    most: 1,
    isAudited: true,
    run: async ([id], { scheduler }) => {
      const number = parseId(id)
      const job = await scheduler.ask({ timeout: longestCancel }).cancel(number)
      if (job === null) throw noSuchJob(number)
      if (job.state !== 'cancelled') throw new CommandError(`job ${number} is ${job.state} already`)
      return ok
    },
  },
  'JOB.RETRY': {
    least: 1,
    most: 1,
    isAudited: true,
    run: ([id], { scheduler }) => revive(parseId(id), ['failed', 'cancelled'], scheduler),
  },
  'JOB.REQUEUE': {
    least: 1,
    most: 1,
    isAudited: true,
    run: ([id], { scheduler }) => revive(parseId(id), [...finalStates], scheduler),
  },
  'JOB.DELETE': {
    least: 1,
    most: 1_000,
    isAudited: true,
    run: async (words, { store }) => {
      const ids = words.map(parseId)
      const deleted = await store.ask.delete(ids)
      if (deleted.length > 0) return deleted.length
      const [id = 0] = ids
      const job = await store.ask.get(id)
      if (job === null) throw noSuchJob(id)
      throw new CommandError(`job ${id} is ${job.state}: only jobs that have ended are deleted`)
    },
  },
  'JOB.PURGE': {
    least: 0,
    most: 8,
    isAudited: true,
    run: (words, directory) => carryOutAll('DELETE', parseFilter(words), directory),
  },
  'JOB.BULK': {
    least: 2,
    most: 9,
    isAudited: true,
    run: ([name = '', ...words], directory) => {
      const action = name.toUpperCase()
      if (!Object.hasOwn(bulkActions, action))
        throw new CommandError(`expected one of ${Object.keys(bulkActions).join(', ')}`)
      const isAll = words.length === 1 && words[0]?.toUpperCase() === 'ALL'
      const filter = isAll ? {} : parseFilter(words)
      return carryOutAll(action as keyof typeof bulkActions, filter, directory)
    },
  },
  'JOB.PAUSE': {
    least: 0,
    most: 1,
    isAudited: true,
    run: async ([kind], { scheduler }) => {
      await scheduler.ask.pause(kind === undefined ? null : parseKind(kind))
      return ok
    },
  },
  'JOB.RESUME': {
    least: 0,
    most: 1,
    isAudited: true,
    run: async ([kind], { scheduler }) => {
      await scheduler.ask.resume(kind === undefined ? null : parseKind(kind))
      return ok
    },
  },
  'JOB.DRAIN': {
    least: 0,
    most: 2,
    isAudited: true,
    run: async (words, { scheduler }) => {
      const limit = parseOptions(words, ['TIMEOUT']).get('TIMEOUT')
      const ms = limit === undefined ? Infinity : parseNumber('TIMEOUT', limit, 0)
      await scheduler.ask.pause(null)
      let isIdle = false
      await moveOnAfter(ms, async () => {
        await scheduler.ask({ timeout: Infinity }).idle()
        isIdle = true
      })
      if (!isIdle) throw new CommandError(`jobs still run after ${ms} ms`, 'TIMEOUT')
      return ok
    },
  },
  'JOB.LOG': {
    least: 1,
    most: 1,
    run: async ([id], { store }) => {
      const number = parseId(id)
      const text = await store.ask.log(number)
      if (text === null) throw noSuchJob(number)
      return text
    },
  },
  'JOB.LIST': {
    least: 0,
    most: 10,
    run: async (words, { store }) => {
      const options = parseOptions(words, [...filterNames, 'LIMIT'])
      const limit = parseNumber('LIMIT', options.get('LIMIT') ?? '100', 1, mostListed)
      return (await store.ask.list(toFilter(options), limit)).map(describeJob)
    },
  },
  'JOB.STATS': {
    least: 0,
    most: 0,
    run: async (_, { store, scheduler, metrics }) => {
      const [counts, queues, { perSecond, waited, ran }] = await Promise.all([
        store.ask.counts(),
        scheduler.ask.statistics(),
        metrics.ask.summary(),
      ])
      const facts: [string, Reply][] = [
        ...jobStates.map((state): [string, Reply] => [state, counts[state]]),
        ['ready', queues.ready],
        ['idle', queues.idle],
        ['waiters', queues.waiters],
        ['requeued', queues.requeued],
        ['paused', queues.paused.join(' ')],
        ...Object.entries(perSecond).map(([name, rate]): [string, Reply] => [
          `${name}PerSecond`,
          oneDecimal(rate),
        ]),
        ['waitedMs', oneDecimal(waited?.median)],
        ['waitedMs95', oneDecimal(waited?.p95)],
        ['ranMs', oneDecimal(ran?.median)],
        ['ranMs95', oneDecimal(ran?.p95)],
      ]
      return new Map(facts)
    },
  },
}

function oneDecimal(n: number): number
function oneDecimal(n: number | undefined): number | null
function oneDecimal(n: number | undefined): number | null {
  return n === undefined ? null : Math.round(n * 10) / 10
}

async function revive(
  id: number,
  states: readonly JobState[],
  scheduler: Directory['scheduler'],
): Promise<Reply> {
  const { before, job, keyHolder } = await scheduler.ask.revive(id, states)
  if (job !== null) return ok
  if (before === null) throw noSuchJob(id)
  if (keyHolder !== null) throw new CommandError(`job ${keyHolder} has the key of job ${id} by now`)
  throw new CommandError(
    `job ${id} is ${before.state}: only jobs that are ${new Intl.ListFormat('en', { type: 'disjunction' }).format(states)} are queued again`,
  )
}

const filterNames = ['STATE', 'KIND', 'KEY', 'OLDER']

function parseFilter(words: readonly string[]): JobFilter {
  return toFilter(parseOptions(words, filterNames))
}

function toFilter(options: ReadonlyMap<string, string>): JobFilter {
  const [state, kind, key, older] = filterNames.map((name) => options.get(name))
  if (state !== undefined && !isJobState(state))
    throw new CommandError(`STATE must be one of ${jobStates.join(', ')}`)
  return {
    ...(state === undefined ? {} : { state }),
    ...(kind === undefined ? {} : { kind }),
    ...(key === undefined ? {} : { key }),
    ...(older === undefined ? {} : { older: parseNumber('OLDER', older, 0) }),
  }
}

function parseKind(kind: string): JobKind {
  if (isJobKind(kind)) return kind
  throw new CommandError(
    `unknown kind '${kind.slice(0, 64)}', expected one of ${jobKinds.join(', ')}`,
  )
}

function parseRequest([kind = '', payload = '', ...rest]: readonly string[]): JobRequest {
  const options = parseOptions(rest, ['PRIORITY', 'DELAY', 'TIMEOUT', 'RETRIES', 'KEY', 'KEEP'])
  const number = (name: string, least = 0): number =>
    parseNumber(name, options.get(name) ?? '0', least)
  if (options.has('KEEP') && !options.has('KEY'))
    throw new CommandError('syntax error: KEEP says how long a KEY is kept, and there is no KEY')
  const known = parseKind(kind)
  try {
    checkPayload(known, payload)
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error
    throw new CommandError(`${known}: ${error.message}`)
  }
  return {
    kind: known,
    payload,
    priority: number('PRIORITY', -largest),
    delay: number('DELAY'),
    timeout: number('TIMEOUT'),
    retries: number('RETRIES'),
    key: options.get('KEY') ?? null,
    keep: options.has('KEEP') ? number('KEEP') : null,
  }
}

function parseId(text: string | undefined): number {
  return parseNumber('the id', text, 1)
}

function noSuchJob(id: number): CommandError {
  return new CommandError(`there is no job ${id}`)
}

function describeJob(job: Job | null): Reply {
  return job === null ? null : new Map<string, Reply>(Object.entries(job))
}
