import { styleText } from 'node:util'
import { moveOnAfter } from '@tasktree/core'
import { Event } from '@tasktree/sync'
import logUpdate from 'log-update'
import stringWidth from 'string-width'
import { type JobClient, toRecord } from '../client/job-client.ts'
import type { Reply } from '../protocol/resp.ts'
import { type ConnectionOptions, withClient } from './with-client.ts'
import { paintState, textOf } from './cells.ts'
import { makeJobTable } from './tables.ts'

export interface TopOptions extends ConnectionOptions {
  /** Milliseconds between two drawings of the table. */
  interval: number
}

/**
 * Shows a table and draws it again until a key ends the program. If the output is not a terminal, prints the table
 * once.
 */
export async function top(options: TopOptions): Promise<void> {
  await withClient(options, async (client) => {
    if (!process.stdout.isTTY) {
      process.stdout.write(`${await look(client, 120, 24)}\n`)
      return
    }
    using keys = new Keys()
    try {
      while (!keys.quit.isSet()) {
        const { columns, rows } = process.stdout
        logUpdate(await look(client, columns, rows - 1))
        await moveOnAfter(options.interval, () => keys.quit.wait())
      }
    } finally {
      logUpdate.done()
    }
  })
}

/** The keys that end the program. A terminal in raw mode reports Ctrl-C (0x03) as a key too. */
const endKeys: ReadonlySet<number> = new Set(Buffer.from('qQ\u0003'))

/** Listens for the keys that end the program. */
class Keys implements Disposable {
  readonly quit = new Event()
  readonly #onData = (data: Buffer): void => {
    if (data.some((key) => endKeys.has(key))) this.quit.set()
  }

  constructor() {
    if (!process.stdin.isTTY) return
    process.stdin.setRawMode(true)
    process.stdin.on('data', this.#onData)
  }

  [Symbol.dispose](): void {
    if (!process.stdin.isTTY) return
    process.stdin.off('data', this.#onData)
    process.stdin.setRawMode(false)
    process.stdin.pause()
  }
}

/**
 * Returns the text of the table. It has at most as many lines as the terminal, because lines above the top of the
 * terminal cannot be drawn again.
 */
async function look(client: JobClient, columns: number, rows: number): Promise<string> {
  const statistics = toRecord(await client.command('JOB.STATS'))
  const tree = (await client.text('TREE')).split('\n')
  const states = ['queued', 'running', 'done', 'failed', 'cancelled']
  const counts = states.map((state) => `${paintState(state)} ${textOf(statistics[state])}`)
  const rate = statistics['donePerSecond']
  if (typeof rate === 'number') counts.push(`${rate}/s`)
  const treeRows = rows - tree.length >= 12 ? tree : []
  const room = Math.max(1, rows - treeRows.length - 4)
  const jobs = ((await client.command('JOB.LIST', 'LIMIT', room)) as Reply[]).map(toRecord)
  return [
    fit([styleText('bold', 'jobd'), ...counts, styleText('dim', 'q ends')], columns),
    ...treeRows.map((line) => styleText('dim', line.slice(0, columns))),
    '',
    makeJobTable(jobs, columns),
  ].join('\n')
}

/**
 * Joins as many parts as fit into one line. A longer line would wrap, and then the lines above it could not be drawn
 * again.
 */
function fit(parts: readonly string[], columns: number): string {
  let line = ''
  for (const part of parts) {
    const longer = line === '' ? part : `${line}  ${part}`
    if (stringWidth(longer) > columns) break
    line = longer
  }
  return line
}
