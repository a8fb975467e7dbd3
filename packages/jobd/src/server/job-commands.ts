import { isCancelled, moveOnAfter } from '@tasktree/core'
import { finalStates, type Job, type JobState, jobStates } from '../jobs/job.ts'
import type { Reply } from '../protocol/resp.ts'
import { textOf } from '../store/job-outputs.ts'
import { CommandError, parseNumber, parseOptions } from './arguments.ts'
import { bulkActions, carryOutAll } from './bulk.ts'
import type { Command, Directory } from './commands.ts'
import {
  filterNames,
  mostFilterWords,
  parseFilter,
  parseId,
  parseRequest,
  toFilter,
} from './job-arguments.ts'

const ok: Reply = { simple: 'OK' }

/** JOB.LIST returns at most this many jobs, because a reply is made in memory. */
const mostListed = 1_000

/** How many milliseconds JOB.CANCEL waits until the cancelled work has ended. */
const longestCancel = 10_000

let tickets = 0

/** Returns a name for a wait, by which the scheduler ends the wait when its client does not wait any more. */
function newTicket(): string {
  return `wait-${++tickets}`
}

/** Every command about jobs. */
export const jobCommands: Record<string, Command> = {
  'JOB.ADD': {
    least: 2,
    most: 16,
    overlaps: true,
    run: (words, { scheduler, kinds }) => scheduler.ask.submit(parseRequest(words, kinds)),
  },
  'JOB.GET': {
    least: 1,
    most: 1,
    run: async ([id], { store }) => describeJob(await store.ask.get(parseId(id))),
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
    most: mostFilterWords,
    isAudited: true,
    run: (words, directory) => carryOutAll('DELETE', parseFilter(words), directory),
  },
  'JOB.BULK': {
    least: 2,
    most: mostFilterWords + 1,
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
    run: async ([kind], { scheduler, kinds }) => {
      if (kind !== undefined) kinds.check(kind)
      await scheduler.ask.pause(kind ?? null)
      return ok
    },
  },
  'JOB.RESUME': {
    least: 0,
    most: 1,
    isAudited: true,
    run: async ([kind], { scheduler, kinds }) => {
      if (kind !== undefined) kinds.check(kind)
      await scheduler.ask.resume(kind ?? null)
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
      const ticket = newTicket()
      let isIdle = false
      try {
        await moveOnAfter(ms, async () => {
          await scheduler.ask({ timeout: Infinity }).idle(ticket)
          isIdle = true
        })
      } finally {
        if (!isIdle) void scheduler.tell.stopIdle(ticket)
      }
      if (!isIdle) throw new CommandError(`jobs still run after ${ms} ms`, 'TIMEOUT')
      return ok
    },
  },
  'JOB.LOG': {
    least: 1,
    most: 3,
    run: async ([id, ...options], { store }) => {
      const number = parseId(id)
      const wanted = parseOptions(options, ['ATTEMPT']).get('ATTEMPT')
      const attempt = wanted === undefined ? null : parseNumber('ATTEMPT', wanted, 1)
      const output = await store.ask.output(number, attempt)
      if (output !== null) return textOf(output)
      const job = await store.ask.get(number)
      if (job === null) throw noSuchJob(number)
      throw new CommandError(`job ${number} has had ${job.attempts} attempts`)
    },
  },
  'JOB.ATTEMPTS': {
    least: 1,
    most: 1,
    run: async ([id], { store }) => {
      const number = parseId(id)
      const attempts = await store.ask.attempts(number)
      if (attempts === null) throw noSuchJob(number)
      return attempts.map((each) => new Map<string, Reply>(Object.entries(each)))
    },
  },
  'JOB.LIST': {
    least: 0,
    most: mostFilterWords + 2,
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

/**
 * Reads the arguments of JOB.WAIT. Returns its ticket, and the function that waits until the job has ended.
 *
 * @throws {CommandError} for wrong arguments
 */
export function parseWait(
  id: string | undefined,
  words: readonly string[],
  scheduler: Directory['scheduler'],
): { ticket: string | undefined; waiting: () => Promise<Reply> } {
  const number = parseId(id)
  const options = parseOptions(words, ['TIMEOUT', 'TICKET'])
  const limit = options.get('TIMEOUT')
  const ms = limit === undefined ? null : parseNumber('TIMEOUT', limit, 0)
  return { ticket: options.get('TICKET'), waiting: () => waitForEnd(number, ms, scheduler) }
}

async function waitForEnd(
  id: number,
  ms: number | null,
  scheduler: Directory['scheduler'],
): Promise<Reply> {
  const ticket = newTicket()
  let job: Job | null
  try {
    job = await scheduler.ask({ timeout: Infinity }).wait(id, ms, ticket)
  } catch (error) {
    // The client does not wait any more, so the scheduler is told to forget the wait.
    if (isCancelled(error)) void scheduler.tell.stopWaiting(id, ticket)
    throw error
  }
  if (job !== null && !finalStates.has(job.state))
    throw new CommandError(`job ${id} is still ${job.state} after ${ms} ms`, 'TIMEOUT')
  return describeJob(job)
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

function noSuchJob(id: number): CommandError {
  return new CommandError(`there is no job ${id}`)
}

function describeJob(job: Job | null): Reply {
  return job === null ? null : new Map<string, Reply>(Object.entries(job))
}
