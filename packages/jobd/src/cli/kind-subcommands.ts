import { type Command, Option } from 'commander'
import { type JobClient, toRecord } from '../client/job-client.ts'
import type { Reply } from '../protocol/resp.ts'
import { escapeControlCharacters } from '../log/control-characters.ts'
import { addLimit, milliseconds, scheduleTimes, wholeNumber } from './option-values.ts'
import { print, printJson } from './output.ts'
import { textOf } from './cells.ts'
import { addConnection, type ConnectionOptions, withClient } from './with-client.ts'
import { wordsOf } from './option-words.ts'

interface EveryOptions extends ConnectionOptions {
  zone?: string
  missed?: string
}

/** Commands about kinds of jobs: kinds, reload, limit, every, schedules, unschedule. */
export function addKindCommands(program: Command): void {
  addConnection(
    program.command('kinds').description('List the kinds of jobs.').option('--json', 'as JSON'),
  ).action((options: ConnectionOptions & { json?: boolean }) =>
    withClient(options, (client) =>
      list(client, ['JOB.KINDS'], ['name', 'pool', 'placeholder'], options.json),
    ),
  )

  addConnection(
    program
      .command('reload')
      .description('Read the module of the kinds again; those that run in a pool are replaced.'),
  ).action((options: ConnectionOptions) =>
    withClient(options, async (client) => {
      const reply = (await client.command('JOB.RELOAD')) as [Reply, string[], Reply, string[]]
      const [, reloaded, , kept] = reply
      print(`read again: ${reloaded.join(', ') || 'none'}`)
      if (kept.length > 0) print(`these run in the server and need a restart: ${kept.join(', ')}`)
    }),
  )

  addConnection(
    program
      .command('limit')
      .description('Show the limits of all kinds, or change one of them.')
      .argument(
        '[kind=limit]',
        'resize=4, resize=10/s, resize:group=1, resize=default, resize=none',
        limitWords,
      )
      .option('--json', 'as JSON'),
  ).action(
    (change: (string | number)[] | undefined, options: ConnectionOptions & { json?: boolean }) =>
      withClient(options, async (client) => {
        if (change !== undefined) await client.command('JOB.LIMIT', ...change)
        const columns = ['kind', 'concurrency', 'rate', 'per', 'group', 'groupRate', 'groupPer']
        await list(client, ['JOB.LIMIT'], columns, options.json)
      }),
  )

  addConnection(
    program
      .command('every')
      .description(
        'Add a job again and again: each time that a cron pattern says, or each so many ms.',
      )
      .argument('<name>', 'a name for the schedule; one that is there is changed')
      .argument('<times>', "a cron pattern, as in '0 3 * * *', or a time, as in 30s", scheduleTimes)
      .argument('<kind>', 'what it is')
      .argument('<payload...>', 'what the kind needs')
      .option('--zone <zone>', 'the time zone of the pattern, as in Europe/Berlin')
      .addOption(
        new Option('--missed <policy>', 'what happens with times that passed meanwhile')
          .choices(['skip', 'once', 'all'])
          .default('once'),
      )
      .option('--priority <n>', 'the smallest goes first', wholeNumber(-(2 ** 50)))
      .option('--timeout <ms>', 'how long an attempt may take', milliseconds)
      .option('--retries <n>', 'how often it is tried again after a failure', wholeNumber(0))
      .option('--group <group>', 'shares the limits of its group within the kind'),
  ).action(
    (
      name: string,
      times: string | number,
      kind: string,
      payload: string[],
      options: EveryOptions,
    ) =>
      withClient(options, async (client) => {
        const given = wordsOf(options as EveryOptions & Record<string, string>, [
          'zone',
          'missed',
          'priority',
          'timeout',
          'retries',
          'group',
        ])
        const next = await client.command(
          'JOB.EVERY',
          name,
          times,
          kind,
          payload.join(' '),
          ...given,
        )
        print(`${name} is due at ${new Date(Number(next)).toISOString()}`)
      }),
  )

  addConnection(
    program.command('schedules').description('List the schedules.').option('--json', 'as JSON'),
  ).action((options: ConnectionOptions & { json?: boolean }) =>
    withClient(options, (client) =>
      list(
        client,
        ['JOB.SCHEDULES'],
        ['name', 'spec', 'zone', 'kind', 'payload', 'nextAt', 'lastAt', 'lastJob'],
        options.json,
      ),
    ),
  )

  addConnection(
    program
      .command('unschedule')
      .description('Remove a schedule; the jobs that it has added stay.')
      .argument('<name>', 'its name'),
  ).action((name: string, options: ConnectionOptions) =>
    withClient(options, async (client) => {
      await client.command('JOB.UNSCHEDULE', name)
      print(`${name} is removed`)
    }),
  )
}

/** Reads a change of limits, and returns it as words of the protocol. */
function limitWords(text: string): (string | number)[] {
  const at = text.lastIndexOf('=')
  const value = text.slice(at + 1)
  if (at > 0 && value === 'default') return [text.slice(0, at), 'DEFAULT']
  if (at > 0 && value === 'none') return [text.slice(0, at), 'CONCURRENCY', 'none', 'RATE', 'none']
  const words: (string | number)[] = []
  for (const [kind, change] of Object.entries(addLimit(text, {}))) {
    const { concurrency, rate, groupConcurrency, groupRate } = change
    words.push(kind)
    if (typeof concurrency === 'number') words.push('CONCURRENCY', concurrency)
    if (rate) words.push('RATE', rate.limit, 'PER', rate.per ?? 1_000)
    if (typeof groupConcurrency === 'number') words.push('GROUP', groupConcurrency)
    if (groupRate) words.push('GROUPRATE', groupRate.limit, 'GROUPPER', groupRate.per ?? 1_000)
  }
  return words
}

async function list(
  client: JobClient,
  words: string[],
  columns: string[],
  asJson = false,
): Promise<void> {
  const records = ((await client.command(...words)) as Reply[]).map(toRecord)
  if (asJson) {
    printJson(records)
    return
  }
  if (records.length === 0) {
    print('none')
    return
  }
  const rows = records.map((record) =>
    columns.map((name) => {
      const value = record[name]
      const isTime = name.endsWith('At') && typeof value === 'number'
      return isTime
        ? new Date(value).toISOString()
        : escapeControlCharacters(textOf(value).replaceAll(/\s+/g, ' '))
    }),
  )
  const heads = columns.map((name) => name.toUpperCase())
  const { makeTable } = await import('./tables.ts')
  print(makeTable(heads, rows, process.stdout.columns))
}
