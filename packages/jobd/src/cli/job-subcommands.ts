import { Argument, type Command, Option } from 'commander'
import { type JobClient, toRecord } from '../client/job-client.ts'
import { jobStates } from '../jobs/job.ts'
import type { Reply } from '../protocol/resp.ts'
import { addConnection, type ConnectionOptions, withClient } from './with-client.ts'
import { escapeControlCharacters } from '../log/control-characters.ts'
import { Failure } from './failure.ts'
import { print, printForeign, printJson } from './output.ts'
import { type JobRecord, paintState, textOf } from './cells.ts'
import { wordsOf } from './option-words.ts'
import { duration, jobId, milliseconds, wholeNumber } from './option-values.ts'

interface AddOptions extends ConnectionOptions {
  priority?: number
  delay?: number
  timeout?: number
  retries?: number
  key?: string
  keep?: number
  group?: string
  wait?: boolean
}

/** Commands about jobs: add, get, wait, list, cancel, retry, requeue, delete, bulk. */
export function addJobCommands(program: Command): void {
  const priority = wholeNumber(-(2 ** 50))
  addConnection(
    program
      .command('add')
      .description('Give the server a job; its number is printed when it is safe on disk.')
      .argument('<kind>', 'what it is: jobd kinds lists them')
      .argument('<payload...>', 'what the kind needs: a command line, a path, a number, …')
      .option('--priority <n>', 'the smallest goes first', priority)
      .option('--delay <ms>', 'when it may begin', milliseconds)
      .option('--timeout <ms>', 'how long an attempt may take', milliseconds)
      .option('--retries <n>', 'how often it is tried again after a failure', wholeNumber(0))
      .option('--key <key>', 'a job that has this key already is the same job')
      .option('--keep <ms>', 'how long a finished job still blocks the key', duration)
      .option('--group <group>', 'shares the limits of its group within the kind')
      .option('--wait', 'wait for its end and print its result'),
  ).action((kind: string, payload: string[], options: AddOptions) => add(kind, payload, options))

  addConnection(
    program
      .command('get')
      .description('Print what is known of a job.')
      .argument('<job>', 'its number', jobId)
      .option('--json', 'as JSON'),
  ).action((id: number, options: ConnectionOptions & { json?: boolean }) =>
    withClient(options, (client) => describe(client, id, options.json === true)),
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
      .addOption(new Option('--state <state>', 'only jobs in this state').choices(jobStates))
      .option('--kind <kind>', 'only jobs of this kind')
      .option('--key <key>', 'only jobs that were given this key')
      .option('--group <group>', 'only jobs of this group')
      .option('--search <text>', 'only jobs with this in their number, key, payload or error')
      .option('--limit <n>', 'at most this many', wholeNumber(1, 1_000), 20)
      .option('--json', 'as JSON'),
  ).action(list)

  for (const [name, description, done] of [
    ['cancel', 'Cancel a job: what it does ends with it.', 'is cancelled'],
    ['retry', 'Queue a failed or cancelled job again.', 'is queued again'],
    ['requeue', 'Queue a job again that has ended, however it did.', 'is queued again'],
    ['delete', 'Delete a job that has ended, with its output.', 'is deleted'],
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

  addConnection(
    program
      .command('bulk')
      .description('Do something to all jobs that the options leave.')
      .addArgument(
        new Argument('<action>', 'what to do').choices(['retry', 'requeue', 'cancel', 'delete']),
      )
      .addOption(new Option('--state <state>', 'only jobs in this state').choices(jobStates))
      .option('--kind <kind>', 'only jobs of this kind')
      .option('--key <key>', 'only jobs that were given this key')
      .option('--older <ms>', 'only jobs added longer ago than this', duration)
      .option('--all', 'all jobs: needed where no other option is given'),
  ).action((action: string, options: BulkOptions, command: Command) => {
    const filter = wordsOf(options, ['state', 'kind', 'key', 'older'])
    if (filter.length === 0 && options.all !== true)
      command.error('error: say which jobs: --state, --kind, --key or --older, or --all')
    return bulk(action, filter, options)
  })
}

interface BulkOptions extends ConnectionOptions {
  state?: string
  kind?: string
  key?: string
  older?: number
  all?: boolean
}

async function bulk(
  action: string,
  filter: (string | number)[],
  options: ConnectionOptions,
): Promise<void> {
  await withClient(options, async (client) => {
    const words = filter.length === 0 ? ['ALL'] : filter
    const count = Number(await client.command('JOB.BULK', action, ...words))
    print(`${action}: ${count} ${count === 1 ? 'job' : 'jobs'}`)
  })
}

async function add(kind: string, payload: string[], options: AddOptions): Promise<void> {
  const given = wordsOf(options, [
    'priority',
    'delay',
    'timeout',
    'retries',
    'key',
    'keep',
    'group',
  ])
  const words = ['JOB.ADD', kind, payload.join(' '), ...given]
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
    printForeign(textOf(job['result']))
    return
  }
  const reason = escapeControlCharacters(textOf(job['error'] ?? 'no reason'))
  throw new Failure(`job ${id} ${paintState(textOf(job['state']))}: ${reason}`)
}

async function describe(client: JobClient, id: number, asJson: boolean): Promise<void> {
  const job = toJob(await client.command('JOB.GET', id), id)
  if (asJson) {
    printJson(job)
    return
  }
  for (const [name, value] of Object.entries(job)) {
    if (value === null) continue
    const text = /At$|^notBefore$/.test(name)
      ? new Date(Number(value)).toISOString()
      : escapeControlCharacters(String(value))
    print(`${name.padEnd(10)} ${name === 'state' ? paintState(text) : text}`)
  }
}

async function list(
  options: ConnectionOptions & {
    state?: string
    kind?: string
    key?: string
    group?: string
    search?: string
    limit: number
    json?: boolean
  },
): Promise<void> {
  await withClient(options, async (client) => {
    const filter = wordsOf(options, ['state', 'kind', 'key', 'group', 'search'])
    const reply = await client.command('JOB.LIST', 'LIMIT', options.limit, ...filter)
    const jobs = (reply as Reply[]).map(toRecord)
    if (options.json === true) {
      printJson(jobs)
      return
    }
    if (jobs.length === 0) {
      print('no jobs')
      return
    }
    const { makeJobTable } = await import('./tables.ts')
    print(makeJobTable(jobs, process.stdout.columns))
  })
}

function toJob(reply: Reply, id: number): JobRecord {
  if (reply === null) throw new Failure(`there is no job ${id}`)
  return toRecord(reply)
}
