import { type Command, Option } from 'commander'
import { toRecord } from '../client/job-client.ts'
import { addConnection, type ConnectionOptions, withClient } from './with-client.ts'
import { print, printForeign, printJson } from './output.ts'
import { type JobRecord, textOf } from './cells.ts'
import type { ServeOptions } from './serve.ts'
import type { TopOptions } from './top.ts'
import {
  addLimit,
  durationOrForever,
  milliseconds,
  portNumber,
  wholeNumber,
} from './option-values.ts'

/** Commands about the server: serve, tree, kill, pause, resume, drain, stats, top. */
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
    .option('--kinds <module>', 'a module whose default export defineKinds has made')
    .option('--no-built-in-kinds', 'only the kinds of that module')
    .option(
      '--limit <kind=limit>',
      'resize=4: at most 4 at once; resize=10/s, 10/m, 10/h, 10/d: at most 10 begin in that time; may be given more than once',
      addLimit,
      {},
    )
    .option('--workers <n>', 'jobs at a time', wholeNumber(1, 1_000), 4)
    .addOption(
      new Option('--password <password>', 'asked of clients and by the page').env('JOBD_PASSWORD'),
    )
    .addOption(
      new Option('--password-file <file>', 'a file that holds it').env('JOBD_PASSWORD_FILE'),
    )
    .option(
      '--token <name:secret>',
      'a secret with the name of its owner; may be given more than once',
      (text: string, all: string[]) => [...all, text],
      [],
    )
    .addOption(
      new Option('--token-file <file>', 'a file of such tokens, one a line').env('JOBD_TOKEN_FILE'),
    )
    .option(
      '--grace <ms>',
      'how long running jobs may go on when it is to end',
      milliseconds,
      5_000,
    )
    .option('--max-queued <n>', 'how many jobs may be queued', wholeNumber(1), 100_000)
    .option(
      '--max-deaths <n>',
      'deaths of the server after which a job has failed',
      wholeNumber(1),
      3,
    )
    .option('--keep-done <time>', 'how long done jobs are kept: 7d, forever', durationOrForever)
    .option(
      '--keep-failed <time>',
      'how long failed and cancelled jobs are kept',
      durationOrForever,
    )
    .option('--keep-last <n>', 'however young, how many finished jobs are kept', wholeNumber(0))
    .option('--wait-lock <ms>', 'how long to wait for a file that is in use', milliseconds, 10_000)
    .option('--no-vacuum', 'do not write an old file anew now, which takes time and space')
    .option('--public-url <url>', 'where browsers find the page when a proxy is in front')
    .option(
      '--trust-proxy <addresses>',
      'whose X-Forwarded headers are believed: addresses, networks or loopback, with commas',
      (text: string) => text.split(','),
      ['loopback'],
    )
    .addOption(
      new Option('--log <format>', 'how log lines look')
        .choices(['human', 'json'])
        .default('human'),
    )
    .action(async (options: ServeOptions) => {
      // The other commands do not need the server, which takes half of the time that a program takes to start.
      const { serve } = await import('./serve.ts')
      await serve(options)
    })

  addConnection(
    program.command('tree').description('Show the tree: states, mailboxes, restarts, waits.'),
  ).action((options: ConnectionOptions) =>
    withClient(options, async (client) => printForeign(await client.text('TREE'))),
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

  for (const [name, description, done] of [
    ['pause', 'Begin no more jobs of a kind, or none at all; running ones go on.', 'paused'],
    ['resume', 'Begin jobs again that were paused.', 'resumed'],
  ] as const)
    addConnection(
      program.command(name).description(description).argument('[kind]', 'only this kind'),
    ).action((kind: string | undefined, options: ConnectionOptions) =>
      withClient(options, async (client) => {
        await client.command(`JOB.${name.toUpperCase()}`, ...(kind === undefined ? [] : [kind]))
        print(`${kind ?? 'every kind'} is ${done}`)
      }),
    )

  addConnection(
    program
      .command('drain')
      .description('Pause every kind, and wait until no job runs.')
      .option('--timeout <ms>', 'how long to wait', milliseconds),
  ).action((options: ConnectionOptions & { timeout?: number }) =>
    withClient(options, async (client) => {
      const limit = options.timeout === undefined ? [] : ['TIMEOUT', options.timeout]
      await client.command('JOB.DRAIN', ...limit)
      print('no job runs; jobd resume begins again')
    }),
  )

  addConnection(
    program.command('stats').description('Print counts and rates.').option('--json', 'as JSON'),
  ).action((options: ConnectionOptions & { json?: boolean }) =>
    withClient(options, async (client) => {
      const statistics = toRecord(await client.command('JOB.STATS'))
      if (options.json === true) {
        printJson(statistics)
        return
      }
      const { makeTable } = await import('./tables.ts')
      print(makeTable(['WHAT', 'NOW'], entriesOf(statistics)))
    }),
  )

  addConnection(
    program
      .command('top')
      .description('Watch the jobs; q or Ctrl-C ends it.')
      .option('--interval <ms>', 'between two looks', wholeNumber(100), 1_000),
  ).action(async (options: TopOptions) => {
    const { top } = await import('./top.ts')
    await top(options)
  })
}

function entriesOf(record: JobRecord): string[][] {
  return Object.entries(record).map(([name, value]) => [name, textOf(value)])
}
