import { taskSignal } from '@tasktree/core'
import { CommandError, largest, parseNumber, parseOptions } from './arguments.ts'
import type { Command } from './commands.ts'
import {
  finalStates,
  isJobKind,
  isJobState,
  type Job,
  type JobRequest,
  jobKinds,
  jobStates,
} from '../jobs/job.ts'
import type { Reply } from '../protocol/resp.ts'

const ok: Reply = { simple: 'OK' }

/** Of a list, more would be too much for one reply. */
const mostListed = 1_000

/** For the work to end, in milliseconds. */
const longestCancel = 10_000

/** Everything about jobs. Each answers with no more arguments than it says. */
export const jobCommands: Record<string, Command> = {
  'JOB.ADD': {
    least: 2,
    most: 12,
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
      const signal = taskSignal()
      const job = await scheduler.ask({ timeout: Infinity, signal }).wait(number, ms, signal)
      if (job !== null && !finalStates.has(job.state))
        throw new CommandError(`job ${number} is still ${job.state} after ${ms} ms`, 'TIMEOUT')
      return describeJob(job)
    },
  },
  'JOB.CANCEL': {
    least: 1,
    most: 1,
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
    run: async ([id], { scheduler }) => {
      const number = parseId(id)
      const before = await scheduler.ask.retry(number)
      if (before === null) throw noSuchJob(number)
      if (before.state === 'failed' || before.state === 'cancelled') return ok
      throw new CommandError(
        `job ${number} is ${before.state}: failed and cancelled ones are retried`,
      )
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
    most: 4,
    run: async (words, { store }) => {
      const options = parseOptions(words, ['STATE', 'LIMIT'])
      const state = options.get('STATE') ?? null
      if (state !== null && !isJobState(state))
        throw new CommandError(`STATE must be one of ${jobStates.join(', ')}`)
      const limit = parseNumber('LIMIT', options.get('LIMIT') ?? '100', 1, mostListed)
      return (await store.ask.list(state, limit)).map(describeJob)
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
        ...jobStates.map((state): [string, Reply] => [state, counts[state] ?? 0]),
        ['ready', queues.ready],
        ['idle', queues.idle],
        ['requeued', queues.requeued],
        ...Object.entries(perSecond).map(([name, rate]): [string, Reply] => [
          `${name}PerSecond`,
          rate.toFixed(1),
        ]),
        ['waitedMs', waited?.median ?? null],
        ['waitedMs95', waited?.p95 ?? null],
        ['ranMs', ran?.median ?? null],
        ['ranMs95', ran?.p95 ?? null],
      ]
      return new Map(facts)
    },
  },
}

function parseRequest([kind = '', payload = '', ...rest]: readonly string[]): JobRequest {
  if (!isJobKind(kind))
    throw new CommandError(
      `unknown kind '${kind.slice(0, 64)}', expected one of ${jobKinds.join(', ')}`,
    )
  const options = parseOptions(rest, ['PRIORITY', 'DELAY', 'TIMEOUT', 'RETRIES', 'KEY'])
  const number = (name: string, least = 0): number =>
    parseNumber(name, options.get(name) ?? '0', least)
  return {
    kind,
    payload,
    priority: number('PRIORITY', -largest),
    delay: number('DELAY'),
    timeout: number('TIMEOUT'),
    retries: number('RETRIES'),
    key: options.get('KEY') ?? null,
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
