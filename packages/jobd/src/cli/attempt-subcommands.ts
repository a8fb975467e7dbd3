import type { Command } from 'commander'
import { type JobClient, toRecord } from '../client/job-client.ts'
import { escapeControlCharacters } from '../log/control-characters.ts'
import type { Reply } from '../protocol/resp.ts'
import { jobId, wholeNumber } from './option-values.ts'
import { print, printJson } from './output.ts'
import { oneLine, paintState, textOf } from './cells.ts'
import { addConnection, type ConnectionOptions, withClient } from './with-client.ts'

/** Commands about the attempts of a job: log, attempts. */
export function addAttemptCommands(program: Command): void {
  addConnection(
    program
      .command('log')
      .description("Print the output of a job's latest attempt, or of another one.")
      .argument('<job>', 'its number', jobId)
      .option('--attempt <n>', 'which attempt: jobd attempts lists them', wholeNumber(1)),
  ).action((id: number, options: ConnectionOptions & { attempt?: number }) =>
    withClient(options, async (client) => {
      const wanted = options.attempt === undefined ? [] : ['ATTEMPT', options.attempt]
      const output = await client.text('JOB.LOG', id, ...wanted)
      // A program gets the output unchanged. For a terminal its control characters are escaped, because a terminal
      // would obey them.
      const text = process.stdout.isTTY ? escapeControlCharacters(output) : output
      process.stdout.write(text === '' || text.endsWith('\n') ? text : `${text}\n`)
    }),
  )

  addConnection(
    program
      .command('attempts')
      .description("List a job's latest attempts: how each went, and how much it wrote.")
      .argument('<job>', 'its number', jobId)
      .option('--json', 'as JSON'),
  ).action((id: number, options: ConnectionOptions & { json?: boolean }) =>
    withClient(options, (client) => listAttempts(client, id, options.json === true)),
  )
}

async function listAttempts(client: JobClient, id: number, asJson: boolean): Promise<void> {
  const attempts = ((await client.command('JOB.ATTEMPTS', id)) as Reply[]).map(toRecord)
  if (asJson) {
    printJson(attempts)
    return
  }
  if (attempts.length === 0) {
    print(`job ${id} has not begun yet`)
    return
  }
  const rows = attempts.map((each) => [
    textOf(each['attempt']),
    paintState(textOf(each['state'])),
    timeOf(each['startedAt']),
    timeOf(each['endedAt']),
    textOf(each['outputSize']),
    oneLine(each['error']),
  ])
  const heads = ['ATTEMPT', 'STATE', 'BEGAN', 'ENDED', 'BYTES', 'ERROR']
  const { makeTable } = await import('./tables.ts')
  print(makeTable(heads, rows, process.stdout.columns))
}

function timeOf(value: string | number | null | undefined): string {
  return typeof value === 'number' ? new Date(value).toISOString() : ''
}
