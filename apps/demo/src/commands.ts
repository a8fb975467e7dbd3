import type { ActorRef, ActorSystem } from '@tasktree/actor'
import { createHash, timingSafeEqual } from 'node:crypto'
import {
  isJobKind,
  isJobState,
  type Job,
  type JobRequest,
  jobKinds,
  jobStates,
  type JobState,
} from './job.ts'
import type { Metrics } from './metrics.ts'
import type { Reply } from './resp.ts'
import type { Scheduler } from './scheduler.ts'
import type { Store } from './store.ts'

/** What a connection remembers between its commands. */
export interface Session {
  version: 2 | 3
  closing: boolean
  /** Has given the password, where there is one. */
  isKnown: boolean
  /** Gets a message for every change of a job. */
  isSubscribed: boolean
}

/** Where commands find what they need, in whichever incarnation it is. */
export interface Directory {
  readonly system: ActorSystem
  readonly store: ActorRef<Store>
  readonly scheduler: ActorRef<Scheduler>
  readonly metrics: ActorRef<Metrics>
  /** Null: none is asked for. */
  readonly password: string | null
}

type Command = (words: string[], directory: Directory, session: Session) => Promise<Reply> | Reply

/** For the work to end, in milliseconds. */
const longestCancel = 10_000

const ok: Reply = { simple: 'OK' }

/** In milliseconds some 34,000 years: added to a date it is still an exact integer. */
const largest = 2 ** 50

const commands: Record<string, Command> = {
  PING: ([text]) => text ?? { simple: 'PONG' },
  ECHO: ([text]) => text ?? new Error("ERR wrong number of arguments for 'echo' command"),
  SELECT: () => ok,
  CLIENT: () => ok,
  COMMAND: () => [],
  QUIT: (_, __, session) => {
    session.closing = true
    return ok
  },
  AUTH: (words, directory, session) => {
    if (words.length < 1 || words.length > 2)
      return new Error("ERR wrong number of arguments for 'auth' command")
    if (directory.password === null)
      return new Error('ERR AUTH called without any password configured for jobd')
    session.isKnown = isSame(words.at(-1) as string, directory.password)
    return session.isKnown ? ok : new Error('WRONGPASS invalid username-password pair')
  },
  HELLO: async ([version, ...options], directory, session) => {
    const auth = options.findIndex((word) => word.toUpperCase() === 'AUTH')
    if (auth !== -1) {
      const answer = await execute(
        ['AUTH', ...options.slice(auth + 1, auth + 3)],
        directory,
        session,
      )
      if (answer instanceof Error) return answer
    }
    if (!session.isKnown)
      return new Error('NOAUTH HELLO must be called with the client authenticated')
    if (version !== undefined && version !== '2' && version !== '3')
      return new Error('NOPROTO unsupported protocol version')
    if (version !== undefined) session.version = version === '3' ? 3 : 2
    const facts: [string, Reply][] = [
      ['server', 'jobd'],
      ['version', '0.1.0'],
      ['proto', session.version],
      ['mode', 'standalone'],
      ['role', 'master'],
      ['modules', []],
    ]
    return new Map(facts)
  },
  INFO: (_, { system }) =>
    `# Server\r\nserver_name:${system.name}\r\nprocess_id:${process.pid}\r\n`,
  'JOB.ADD': async (words, { scheduler }) => scheduler.ask.submit(parseRequest(words)),
  'JOB.GET': async ([id], { store }) => describeJob(await store.ask.get(parseId(id))),
  'JOB.WAIT': async ([id, option, ms], { scheduler }) => {
    const limit = option?.toUpperCase() === 'TIMEOUT' ? parseNumber('TIMEOUT', ms, 0) : Infinity
    return describeJob((await scheduler.ask({ timeout: limit }).wait(parseId(id))) as Job | null)
  },
  'JOB.CANCEL': async ([id], { scheduler }) => {
    const number = parseId(id)
    const job = (await scheduler.ask({ timeout: longestCancel }).cancel(number)) as Job | null
    if (job === null) return noSuchJob(number)
    return job.state === 'cancelled' ? ok : new Error(`ERR job ${number} is ${job.state}`)
  },
  'JOB.RETRY': async ([id], { scheduler }) => {
    const number = parseId(id)
    const job = await scheduler.ask.retry(number)
    if (job === null) return noSuchJob(number)
    const isOver = job.state === 'failed' || job.state === 'cancelled'
    return isOver ? ok : new Error(`ERR job ${number} is ${job.state}`)
  },
  'JOB.LOG': async ([id], { store }) => {
    const number = parseId(id)
    return (await store.ask.log(number)) ?? noSuchJob(number)
  },
  SUBSCRIBE: ([channel], _, session) => {
    if (channel !== 'jobs') return new Error("ERR there is one channel, 'jobs'")
    session.isSubscribed = true
    return { push: ['subscribe', 'jobs', 1] }
  },
  UNSUBSCRIBE: (_, __, session) => {
    session.isSubscribed = false
    return { push: ['unsubscribe', 'jobs', 0] }
  },
  'JOB.LIST': async (words, { store }) => {
    const options = parseOptions(words)
    const jobs = await store.ask.list(
      parseState(options.get('STATE')),
      parseNumber('LIMIT', options.get('LIMIT') ?? '100', 1),
    )
    return jobs.map(describeJob)
  },
  'JOB.STATS': async (_, { store, scheduler, metrics }) => {
    const [counts, queues, { perSecond, waited, ran }] = await Promise.all([
      store.ask.counts(),
      scheduler.ask.statistics(),
      metrics.ask.summary(),
    ])
    const rates = Object.entries(perSecond).map(([name, rate]): [string, string] => [
      `${name}PerSecond`,
      rate.toFixed(1),
    ])
    const facts: [string, Reply][] = [
      ...jobStates.map((state): [string, Reply] => [state, counts[state] ?? 0]),
      ['ready', queues.ready],
      ['idle', queues.idle],
      ['requeued', queues.requeued],
      ...rates,
      ['waitedMs', waited?.median ?? null],
      ['waitedMs95', waited?.p95 ?? null],
      ['ranMs', ran?.median ?? null],
      ['ranMs95', ran?.p95 ?? null],
    ]
    return new Map(facts)
  },
  TREE: (_, { system }) => system.tree(),
  'ACTOR.KILL': async ([path], { system }) => {
    const ref = path === undefined ? null : system.lookup(path)
    if (ref === null) return new Error(`ERR no such actor: ${path ?? ''}`)
    await ref.kill()
    return ok
  },
}

/** Every mistake of a client is an answer; nothing else is swallowed. */
export async function execute(
  words: string[],
  directory: Directory,
  session: Session,
): Promise<Reply> {
  const [name = '', ...rest] = words
  if (!session.isKnown && !['AUTH', 'HELLO', 'QUIT'].includes(name.toUpperCase()))
    return new Error('NOAUTH Authentication required.')
  const command = commands[name.toUpperCase()]
  if (command === undefined) return new Error(`ERR unknown command '${name.slice(0, 64)}'`)
  try {
    return await command(rest, directory, session)
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError)
      return new Error(`ERR ${error.message}`)
    if (error instanceof Error && error.name.startsWith('A'))
      return new Error(`ERR ${error.name}: ${error.message}`)
    throw error
  }
}

function parseRequest([kind, payload, ...rest]: string[]): JobRequest {
  if (kind === undefined || payload === undefined) {
    throw new RangeError(
      "wrong number of arguments for 'job.add' command: JOB.ADD kind payload [options]",
    )
  }
  if (!isJobKind(kind))
    throw new RangeError(`unknown kind '${kind}', expected one of ${jobKinds.join(', ')}`)
  const options = parseOptions(rest)
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

function parseState(state: string | undefined): JobState | null {
  if (state === undefined) return null
  if (!isJobState(state))
    throw new RangeError(`STATE must be one of ${jobStates.join(', ')}, got '${state}'`)
  return state
}

function noSuchJob(id: number): Error {
  return new Error(`ERR there is no job ${id}`)
}

/** Takes as long whatever differs. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}

function parseOptions(words: string[]): Map<string, string> {
  if (words.length % 2 !== 0) throw new RangeError(`option ${words.at(-1)} has no value`)
  const options = new Map<string, string>()
  for (let i = 0; i < words.length; i += 2)
    options.set((words[i] as string).toUpperCase(), words[i + 1] as string)
  return options
}

/** Within what the store's integers hold: a number of a client's must not end an actor. */
function parseNumber(name: string, text: string | undefined, least: number): number {
  const n = Number(text)
  if (text === undefined || !/^-?\d+$/.test(text) || n < least || n > largest)
    throw new RangeError(
      `${name} must be a whole number from ${least} to ${largest}, got '${text ?? ''}'`,
    )
  return n
}

function parseId(text: string | undefined): number {
  return parseNumber('the id', text, 1)
}

function describeJob(job: Job | null): Reply {
  if (job === null) return null
  return new Map<string, Reply>(Object.entries(job))
}
