import type { ServerResponse } from 'node:http'
import type { JobFilter } from '../jobs/job.ts'
import { parseFilter } from '../server/job-arguments.ts'
import { tableSorts, type TableSort } from '../store/job-pages.ts'
import type { PageOutput, PageTable } from './page-events.ts'
import type { LiveSources, LiveView, Sender } from './live-view.ts'
import { writeHead } from './page-files.ts'
import { toPageJob } from './page-viewer.ts'
import { Refusal } from './refusal.ts'

/** The parts of the server from which the routes read their answers. */
export interface Site {
  readonly sources: LiveSources
  readonly view: LiveView
}

interface Exchange {
  site: Site
  response: ServerResponse
  sender: Sender
  /** The parts of the path that the pattern of the route has found. */
  words: string[]
  query: URLSearchParams
  body: string
}

type Handle = (exchange: Exchange) => Promise<void> | void

const mostListed = 100

const routes: [method: string, path: RegExp, handle: Handle][] = [
  ['GET', /^\/events$/, ({ site, response }) => site.view.showPage(response)],
  [
    'GET',
    /^\/snapshot$/,
    async ({ site, response, query }) =>
      answer(response, await site.view.snapshot(query.get('stream') ?? '')),
  ],
  ['GET', /^\/metrics$/, showMetrics],
  ['POST', /^\/streams\/([\w-]{1,32})\/outputs$/, follow],
  ['GET', /^\/jobs$/, listJobs],
  ['GET', /^\/table$/, showTable],
  ['GET', /^\/controls$/, showControls],
  ['POST', /^\/commands\/([a-z]+)$/, runCommand],
  ['GET', /^\/jobs\/(\d{1,15})$/, showJob],
  [
    'GET',
    /^\/jobs\/(\d{1,15})\/output$/,
    ({ site, response, words: [id] }) => site.view.showOutput(Number(id), response),
  ],
  ['GET', /^\/jobs\/(\d{1,15})\/attempts$/, listAttempts],
  ['GET', /^\/jobs\/(\d{1,15})\/attempts\/(\d{1,15})$/, showAttempt],
  ['POST', /^\/jobs$/, addJob],
  ['POST', /^\/jobs\/(\d{1,15})\/cancel$/, (exchange) => change(exchange, 'JOB.CANCEL')],
  ['POST', /^\/jobs\/(\d{1,15})\/retry$/, (exchange) => change(exchange, 'JOB.RETRY')],
  ['POST', /^\/actors\/kill$/, kill],
]

/** @throws {Refusal} when there is nothing at that path */
export function findRoute(
  method: string,
  path: string,
): { handle: Handle; words: string[]; isStream: boolean } {
  for (const [wanted, pattern, handle] of routes) {
    const found = wanted === method ? pattern.exec(path) : null
    if (found !== null)
      return { handle, words: found.slice(1), isStream: /\/(events|output)$/.test(path) }
  }
  throw new Refusal(404, 'there is nothing here')
}

/** Whether there is something at that path. */
export function hasRoute(method: string, path: string): boolean {
  return routes.some(([wanted, pattern]) => wanted === method && pattern.test(path))
}

function answer(response: ServerResponse, value: unknown): void {
  writeHead(response, 200, 'json')
  response.end(JSON.stringify(value))
}

async function showMetrics({ site, response }: Exchange): Promise<void> {
  const { type, text } = await site.sources.prometheus()
  writeHead(response, 200, 'text', { 'Content-Type': type })
  response.end(text)
}

/** Makes a page's event stream carry the output of a job, or stop carrying it. */
async function follow({ site, response, words: [stream = ''], body }: Exchange): Promise<void> {
  const { job, follow } = parseObject(body)
  if (typeof job !== 'number' || typeof follow !== 'boolean')
    throw new Refusal(400, `expected a number 'job' and true or false as 'follow'`)
  await site.view.follow(stream, job, follow)
  answer(response, {})
}

async function listJobs({ site, response, query }: Exchange): Promise<void> {
  const jobs = await site.sources.store.ask.list(filterIn(query, ['state']), mostListed)
  answer(response, jobs.map(toPageJob))
}

/**
 * Answers with one page of the table: the jobs that match the filter, in the wanted order, and the counts for each
 * state.
 */
async function showTable({ site, response, query }: Exchange): Promise<void> {
  const sort = query.get('sort') ?? 'running'
  if (!isSort(sort)) throw new Refusal(400, `jobs are sorted by ${tableSorts.join(', ')}`)
  const { jobs, counts, total } = await site.sources.store.ask.table({
    filter: filterIn(query, ['state', 'kind', 'group', 'schedule', 'search', 'since']),
    sort,
    isDescending: query.get('order') !== 'up',
    offset: numberIn(query, 'offset', 0, 2 ** 31),
    limit: Math.max(1, numberIn(query, 'limit', 50, mostListed)),
  })
  answer(response, { jobs: jobs.map(toPageJob), counts, total } satisfies PageTable)
}

/** Reads a filter from the parameters `names` of a request. An empty parameter matches every job. */
function filterIn(query: URLSearchParams, names: readonly string[]): JobFilter {
  return parseFilter(
    names.flatMap((name) => {
      const value = query.get(name) ?? ''
      return value === '' ? [] : [name.toUpperCase(), value]
    }),
  )
}

function isSort(text: string): text is TableSort {
  return (tableSorts as readonly string[]).includes(text)
}

function numberIn(query: URLSearchParams, name: string, otherwise: number, most: number): number {
  const n = Number(query.get(name) ?? otherwise)
  if (!Number.isInteger(n) || n < 0 || n > most)
    throw new Refusal(400, `expected a number from 0 to ${most} as '${name}'`)
  return n
}

/** Answers with the kinds and their limits, the pauses, and the schedules. */
async function showControls({ site, response }: Exchange): Promise<void> {
  answer(response, await site.sources.controls())
}

/** The commands of the protocol that the page may send unchanged. */
const pageCommands: ReadonlySet<string> = new Set(
  'add pause resume limit every unschedule bulk reload requeue delete'.split(' '),
)

async function runCommand(exchange: Exchange): Promise<void> {
  const [name = ''] = exchange.words
  const { words } = parseObject(exchange.body)
  if (!pageCommands.has(name)) throw new Refusal(404, `there is no command '${name}' here`)
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string'))
    throw new Refusal(400, `expected a list of texts 'words'`)
  const reply = await carryOut(exchange, [`JOB.${name.toUpperCase()}`, ...words])
  answer(exchange.response, { reply: typeof reply === 'number' ? reply : null })
}

async function showJob({ site, response, words: [id] }: Exchange): Promise<void> {
  const job = await site.sources.store.ask.get(Number(id))
  if (job === null) throw new Refusal(404, `there is no job ${id}`)
  answer(response, job)
}

async function listAttempts({ site, response, words: [id] }: Exchange): Promise<void> {
  const attempts = await site.sources.store.ask.attempts(Number(id))
  if (attempts === null) throw new Refusal(404, `there is no job ${id}`)
  answer(response, attempts)
}

/** Answers with the output of one attempt so far. */
async function showAttempt({ site, response, words }: Exchange): Promise<void> {
  const [job = 0, attempt = 0] = words.map(Number)
  const output = await site.sources.store.ask.output(job, attempt)
  if (output === null) throw new Refusal(404, `there is no attempt ${attempt} of job ${job}`)
  const { head, omitted, tail } = output
  answer(response, { job, attempt, head, omitted, text: tail } satisfies PageOutput)
}

/** Carries out a command of the protocol. If the command is refused, the page shows the message. */
async function carryOut({ site, sender }: Exchange, words: string[]): Promise<unknown> {
  const reply = await site.sources.command(words, sender)
  if (reply instanceof Error) throw new Refusal(409, reply.message.replace(/^ERR /, ''))
  return reply
}

async function addJob(exchange: Exchange): Promise<void> {
  const { kind, payload } = parseTexts(exchange.body, ['kind', 'payload'])
  const { options = {} } = parseObject(exchange.body)
  const words =
    typeof options === 'object' && options !== null ? Object.entries(options).flat() : []
  if (!words.every((word) => typeof word === 'string'))
    throw new Refusal(400, `expected texts in 'options'`)
  const id = await carryOut(exchange, ['JOB.ADD', kind as string, payload as string, ...words])
  answer(exchange.response, { id })
}

async function change(exchange: Exchange, command: string): Promise<void> {
  await carryOut(exchange, [command, exchange.words[0] as string])
  answer(exchange.response, {})
}

function kill({ site, response, sender, body }: Exchange): void {
  const { path } = parseTexts(body, ['path'])
  const { system } = site.sources
  const ref = system.lookup(path as string)
  if (ref === null) throw new Refusal(404, `there is no ${path}`)
  if (ref === system.root) throw new Refusal(409, 'the root is ended by ending the server')
  const { who, address } = sender
  site.sources.audit(`${who} at ${address}`, `ACTOR.KILL ${path}`)
  // The answer comes first, because the killed part may be the dashboard itself, or a part whose restart also restarts
  // the dashboard.
  answer(response, {})
  response.once('close', () => void ref.kill())
}

function parseObject(body: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    throw new Refusal(400, 'expected JSON')
  }
  if (typeof value !== 'object' || value === null) throw new Refusal(400, 'expected a JSON object')
  return value as Record<string, unknown>
}

/** Reads the properties `names` of a JSON object. They must be texts. */
function parseTexts(body: string, names: string[]): Record<string, string> {
  const value = parseObject(body)
  const texts: Record<string, string> = {}
  for (const name of names) {
    const text = value[name]
    if (typeof text !== 'string') throw new Refusal(400, `expected a text '${name}'`)
    texts[name] = text
  }
  return texts
}
