import { Argument, type Command, Option } from 'commander'
import { type JobClient, toRecord } from '../client/job-client.ts'
import { jobKinds, jobStates } from '../jobs/job.ts'
import type { Reply } from '../protocol/resp.ts'
import { addConnection, type ConnectionOptions, withClient } from './with-client.ts'
import { Failure } from './failure.ts'
import { type JobRecord, makeJobTable, paintState } from './tables.ts'
import { jobId, milliseconds, wholeNumber } from './option-values.ts'

interface AddOptions extends ConnectionOptions {
  priority?: number
  delay?: number
  timeout?: number
  retries?: number
  key?: string
  wait?: boolean
}

/** Everything about jobs: add, get, wait, list, log, cancel, retry. */
export function addJobCommands(program: Command): void {
  const priority = wholeNumber(-(2 ** 50))
  addConnection(
    program
      .command('add')
      .description('Give the server a job; its number is printed when it is safe on disk.')
      .addArgument(new Argument('<kind>', 'what it is').choices(jobKinds))
      .argument('<payload...>', 'what the kind needs: a command line, a path, a number, …')
      .option('--priority <n>', 'the smallest goes first', priority)
      .option('--delay <ms>', 'when it may begin', milliseconds)
      .option('--timeout <ms>', 'how long an attempt may take', milliseconds)
      .option('--retries <n>', 'how often it is tried again after a failure', wholeNumber(0))
      .option('--key <key>', 'a job that has this key already is the same job')
      .option('--wait', 'wait for its end and print its result'),
  ).action((kind: string, payload: string[], options: AddOptions) => add(kind, payload, options))

  addConnection(
    program
      .command('get')
      .description('Print what is known of a job.')
      .argument('<job>', 'its number', jobId)
      .option('--json', 'as JSON'),
  ).action((id: number, options: ConnectionOptions & { json?: boolean }) =>
    withClient(options, async (client) => print(await describe(client, id, options.json === true))),
  )

  addConnection(
    program
      .command('wait')
      .description("Wait for a job's end and print its result; code 1 when it did not succeed.")
      .argument('<job>', 'its number', jobId)
      .option('--timeout <ms>', 'how long to wait', milliseconds),
  ).action((id: number, options: ConnectionOptions & { timeout?: number }) =>
    withClient(options, (client) => waitFor(client, id, options.timeout)),
  )

  addConnection(
    program
      .command('list')
      .description('List the newest jobs.')
      .addOption(new Option('--state <state>', 'only those').choices(jobStates))
      .option('--limit <n>', 'so many at most', wholeNumber(1), 20)
      .option('--json', 'as JSON'),
  ).action(list)

  addConnection(
    program
      .command('log')
      .description("Print a job's output.")
      .argument('<job>', 'its number', jobId),
  ).action((id: number, options: ConnectionOptions) =>
    withClient(options, async (client) => {
      const text = await client.text('JOB.LOG', id)
      process.stdout.write(text === '' || text.endsWith('\n') ? text : `${text}\n`)
    }),
  )

  for (const [name, description, done] of [
    ['cancel', 'Cancel a job: what it does ends with it.', 'is cancelled'],
    ['retry', 'Queue a failed or cancelled job again.', 'is queued again'],
  ] as const) {
    addConnection(
      program.command(name).description(description).argument('<job>', 'its number', jobId),
    ).action((id: number, options: ConnectionOptions) =>
      withClient(options, async (client) => {
        await client.command(`JOB.${name.toUpperCase()}`, id)
        print(`job ${id} ${done}`)
      }),
    )
  }
}

async function add(kind: string, payload: string[], options: AddOptions): Promise<void> {
  const words: (string | number)[] = ['JOB.ADD', kind, payload.join(' ')]
  for (const name of ['priority', 'delay', 'timeout', 'retries', 'key'] as const) {
    const value = options[name]
    if (value !== undefined) words.push(name.toUpperCase(), value)
  }
  await withClient(options, async (client) => {
    const id = Number(await client.command(...words))
    if (options.wait === true) await waitFor(client, id)
    else print(String(id))
  })
}

async function waitFor(client: JobClient, id: number, ms?: number): Promise<void> {
  const limit = ms === undefined ? [] : ['TIMEOUT', ms]
  const job = toJob(await client.command('JOB.WAIT', id, ...limit), id)
  if (job['state'] === 'done') {
    print(job['result'] ?? '')
    return
  }
  throw new Failure(`job ${id} ${paintState(job['state'] ?? '')}: ${job['error'] ?? 'no reason'}`)
}

async function describe(client: JobClient, id: number, asJson: boolean): Promise<string> {
  const job = toJob(await client.command('JOB.GET', id), id)
  if (asJson) return JSON.stringify(job)
  const facts = Object.entries(job).filter(([, value]) => value !== null) as [string, string][]
  const shown = facts.map(([name, value]) => {
    const text = /At$|^notBefore$/.test(name) ? new Date(Number(value)).toISOString() : value
    return `${name.padEnd(10)} ${name === 'state' ? paintState(text) : text}`
  })
  return shown.join('\n')
}

async function list(
  options: ConnectionOptions & { state?: string; limit: number; json?: boolean },
): Promise<void> {
  await withClient(options, async (client) => {
    const state = options.state === undefined ? [] : ['STATE', options.state]
    const reply = await client.command('JOB.LIST', 'LIMIT', options.limit, ...state)
    const jobs = (reply as Reply[]).map(toRecord)
    if (options.json === true) print(JSON.stringify(jobs))
    else print(jobs.length === 0 ? 'no jobs' : makeJobTable(jobs, process.stdout.columns))
  })
}

function toJob(reply: Reply, id: number): JobRecord {
  if (reply === null) throw new Failure(`there is no job ${id}`)
  return toRecord(reply)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
