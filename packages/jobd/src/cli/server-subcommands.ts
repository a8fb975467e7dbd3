import { type Command, Option } from 'commander'
import { toRecord } from '../client/job-client.ts'
import { addConnection, type ConnectionOptions, withClient } from './with-client.ts'
import { makeTable } from './tables.ts'
import { serve, type ServeOptions } from './serve.ts'
import { top, type TopOptions } from './top.ts'
import { milliseconds, portNumber, wholeNumber } from './option-values.ts'

/** Everything about the server: serve, tree, kill, stats, top. */
export function addServerCommands(program: Command): void {
  program
    .command('serve')
    .description('Start the server and stay up until SIGINT or SIGTERM.')
    .option('--db <file>', "the jobs' file", 'jobd.sqlite')
    .addOption(
      new Option('--host <host>', 'where it listens').env('JOBD_HOST').default('127.0.0.1'),
    )
    .addOption(
      new Option('--port <port>', 'for Redis clients; 0: one that is free')
        .env('JOBD_PORT')
        .default(7379)
        .argParser(portNumber),
    )
    .option('--http <port>', 'of the page; 0: one that is free', portNumber, 7380)
    .option('--workers <n>', 'jobs at a time', wholeNumber(1, 1_000), 4)
    .addOption(
      new Option('--password <password>', 'asked of clients and by the page').env('JOBD_PASSWORD'),
    )
    .option(
      '--grace <ms>',
      'how long running jobs may go on when it is to end',
      milliseconds,
      5_000,
    )
    .action((options: ServeOptions) => serve(options))

  addConnection(
    program.command('tree').description('Show the tree: states, mailboxes, restarts, waits.'),
  ).action((options: ConnectionOptions) =>
    withClient(options, async (client) => print(await client.text('TREE'))),
  )

  addConnection(
    program
      .command('kill')
      .description('Kill a part of the tree, on purpose: its supervisor starts it again.')
      .argument('<path>', 'as the tree shows it, for example workers/worker-1'),
  ).action((path: string, options: ConnectionOptions) =>
    withClient(options, async (client) => {
      await client.command('ACTOR.KILL', path)
      print(`${path} is killed`)
    }),
  )

  addConnection(
    program.command('stats').description('Print counts and rates.').option('--json', 'as JSON'),
  ).action((options: ConnectionOptions & { json?: boolean }) =>
    withClient(options, async (client) => {
      const statistics = toRecord(await client.command('JOB.STATS'))
      if (options.json === true) print(JSON.stringify(statistics))
      else print(makeTable(['WHAT', 'NOW'], entriesOf(statistics)))
    }),
  )

  addConnection(
    program
      .command('top')
      .description('Watch the jobs; q or Ctrl-C ends it.')
      .option('--interval <ms>', 'between two looks', wholeNumber(100), 1_000),
  ).action((options: TopOptions) => top(options))
}

function entriesOf(record: Record<string, string | null>): string[][] {
  return Object.entries(record).map(([name, value]) => [name, value ?? ''])
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
