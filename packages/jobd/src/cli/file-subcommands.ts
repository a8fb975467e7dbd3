import { resolve } from 'node:path'
import { Argument, type Command, Option } from 'commander'
import type * as Maintenance from '../store/maintenance.ts'
import { Failure } from './failure.ts'
import { print, printJson } from './output.ts'
import { addConnection, type ConnectionOptions, withClient } from './with-client.ts'

interface FileOptions {
  db?: string
}

/** Commands about the jobs' file: backup, restore, check. They run on the machine that has the file. */
export function addFileCommands(program: Command): void {
  const usual = 'jobd.sqlite'
  const file = (): Option => new Option('--db <file>', "the jobs' file").default(usual)

  addConnection(
    program
      .command('backup')
      .description("Copy the jobs' file as it is at this moment; the server may run on.")
      .argument('<target>', 'the copy')
      .addOption(
        new Option(
          '--db <file>',
          "the jobs' file; without it, the one of the server that runs here",
        ),
      ),
  ).action(async (target: string, options: ConnectionOptions & FileOptions) => {
    const path = options.db ?? (await fileOfServer(options))
    const { counts } = await attempt(({ backUpFile, checkFile }) => {
      backUpFile(path, target)
      return checkFile(target)
    })
    print(`${target} holds ${sum(counts)} jobs of ${path}`)
  })

  program
    .command('restore')
    .description("Put a copy in the place of the jobs' file; no server may use it.")
    .argument('<backup>', 'the copy')
    .addOption(file())
    .action(async (backup: string, { db }: Required<FileOptions>) => {
      const before = await attempt(({ restoreFile }) => restoreFile(backup, db))
      print(`${db} is restored${before === null ? '' : `; what it was before is ${before}`}`)
    })

  program
    .command('check')
    .description("Read the whole of the jobs' file and look for damage; code 1 when there is any.")
    .addArgument(new Argument('[file]', "the jobs' file").default(usual))
    .option('--db <file>', 'another way to name the file')
    .option('--json', 'as JSON')
    .action(
      async (named: string, { db, json }: FileOptions & { json?: boolean }, command: Command) => {
        if (db !== undefined && command.args.length > 0)
          command.error('error: name the file once: as an argument, or with --db')
        const path = db ?? named
        const { version, counts } = await attempt(({ checkFile }) => checkFile(path))
        if (json === true) printJson({ version, ...counts })
        else {
          const states = Object.entries(counts).map(([state, n]) => `${n} ${state}`)
          print(`${path} is whole: schema ${version}, ${states.join(', ') || 'no jobs'}`)
        }
      },
    )
}

/** Asks the server on this machine for the path of its file. */
async function fileOfServer(options: ConnectionOptions): Promise<string> {
  const info = await withClient(options, (client) => client.text('INFO'))
  const path = /^jobs_file:(.+?)\r?$/m.exec(info)?.[1]
  if (path === undefined) throw new Failure('the server does not say where its file is: give --db')
  return resolve(path)
}

/**
 * Loads the code that works on files, which other commands do not need, and calls `work` with it. Turns the error of an
 * unusable file into a Failure, because the program itself is not at fault.
 */
async function attempt<T>(work: (maintenance: typeof Maintenance) => T): Promise<T> {
  const maintenance = await import('../store/maintenance.ts')
  const { JobFileError } = await import('../store/job-file.ts')
  try {
    return work(maintenance)
  } catch (error) {
    const isExpected = error instanceof JobFileError || (error instanceof Error && 'code' in error)
    throw isExpected ? new Failure(error.message, { cause: error }) : error
  }
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, n) => total + n, 0)
}
