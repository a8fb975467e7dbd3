import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import type { ActorSystem } from '@tasktree/actor'
import { gather, moveOnAfter, timeout } from '@tasktree/core'
import { JobClient, type Reply, startJobd, toRecord } from '@tasktree/jobd'
import { Event } from '@tasktree/sync'
import { kinds } from './kinds.ts'
import { killOnce, victim } from './kill-busy-worker.ts'
import { LiveLines, makeBar } from './live-lines.ts'
import { type JobRecord, lostJobs } from './lost-jobs.ts'
import { makeTable, paintState } from './report-table.ts'
import { type TourJob, tourJobs } from './tour-jobs.ts'

/** The time limit of the tour in milliseconds. The tour takes far less, so it reaches the limit only if it hangs. */
const longestTour = 120_000

/** Milliseconds between two updates of the progress display. */
const lookTime = 80

const workers = 3

/** A job of the tour that has ended. */
interface Finished {
  job: JobRecord
  expected: TourJob
  /** Milliseconds from the time when all jobs had been submitted to the end of this job. */
  after: number
}

/**
 * Starts the server on a temporary file, gives it real work, kills a worker midway, and shows that nothing was lost.
 *
 * @throws {Error} when a job was lost or did not end as expected, or the killed worker was not restarted
 * @throws {TimeoutError} when the tour hangs
 */
export async function tour(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'jobd-'))
  try {
    await timeout(longestTour, () => inFolder(folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function inFolder(folder: string): Promise<void> {
  using display = new LiveLines()
  const warn = (text: string): void => display.print(styleText('yellow', text))
  const logger = { debug: ignore, info: ignore, warn, error: warn }
  const host = '127.0.0.1'
  const jobd = await startJobd({
    file: join(folder, 'jobs.sqlite'),
    host,
    port: 0,
    workers,
    kinds,
    logger,
  })
  await using _ = jobd
  const { system, port, httpPort } = jobd
  display.print(
    `${styleText('bold', 'jobd')} listens on ${host}:${port}, its page is http://${host}:${httpPort}\n`,
  )
  display.print(`${system.tree()}\n`)

  const submitted = await submit(display, await tourJobs(), port)
  const finished = await work(display, submitted, port)
  report(display, finished)
  display.print(`\n${system.tree()}\n`)
  conclude(display, submitted, finished, system)
}

function ignore(): void {}

/** Submits the jobs, and returns them in a map. Its keys are the numbers that the server has given to the jobs. */
async function submit(
  display: LiveLines,
  jobs: TourJob[],
  port: number,
): Promise<Map<number, TourJob>> {
  await using client = await JobClient.connect('127.0.0.1', port)
  const submitted = new Map<number, TourJob>()
  for (const job of jobs)
    submitted.set(Number(await client.command('JOB.ADD', job.kind, job.payload)), job)
  display.print(`${jobs.length} jobs submitted, each acknowledged after its commit`)
  return submitted
}

/** Waits for every job, shows the progress, and kills one worker as soon as every worker has a job. */
async function work(
  display: LiveLines,
  jobs: Map<number, TourJob>,
  port: number,
): Promise<Finished[]> {
  const begun = performance.now()
  const over = new Event()
  const finished: Finished[] = []
  let answers = 0
  const waiters = [...jobs].map(([id, expected]) => async (): Promise<void> => {
    await using client = await JobClient.connect('127.0.0.1', port)
    // For a job that the server does not know, the reply is null.
    const reply = await client.command('JOB.WAIT', id)
    if (reply !== null)
      finished.push({ job: toRecord(reply), expected, after: performance.now() - begun })
    if (++answers === jobs.size) over.set()
  })
  const watch = async (): Promise<void> => {
    await using client = await JobClient.connect('127.0.0.1', port)
    const killVictim = killOnce(client, display, workers)
    while (!over.isSet()) {
      const reply = await client.command('JOB.LIST', 'STATE', 'running', 'LIMIT', workers)
      const running = (reply as Reply[]).map(toRecord)
      await killVictim(running.length)
      const time = performance.now() - begun
      display.show(linesOf(jobs, running, finished.length, time, display.width))
      await moveOnAfter(lookTime, () => over.wait())
    }
  }
  await gather([...waiters, watch])
  display.show([])
  return finished.toSorted((a, b) => Number(a.job['id']) - Number(b.job['id']))
}

function linesOf(
  jobs: Map<number, TourJob>,
  running: JobRecord[],
  ended: number,
  time: number,
  width: number,
): string[] {
  const bar = styleText('cyan', makeBar(ended / jobs.size, Math.min(30, width - 30)))
  const titles = running.map(({ id }) => jobs.get(Number(id))?.title ?? '')
  return [
    `${bar} ${ended} of ${jobs.size} jobs, ${(time / 1_000).toFixed(1)} s`,
    ...titles.toReversed().map((title) => `  ${styleText('dim', title.slice(0, width - 4))}`),
  ]
}

function report(display: LiveLines, finished: Finished[]): void {
  const rows = finished.map(({ job, expected, after }) => [
    String(job['id']),
    expected.title,
    paintState(String(job['state'])),
    job['attempts'] === 1 ? '1' : styleText('yellow', String(job['attempts'])),
    `${(after / 1_000).toFixed(2)} s`,
    String(job['result'] ?? job['error'] ?? '').replaceAll(/\s+/g, ' '),
  ])
  display.print(
    `\n${makeTable(['JOB', 'WHAT', 'STATE', 'TRIES', 'AFTER', 'RESULT'], rows, display.width)}`,
  )
}

/**
 * Prints the totals.
 *
 * @throws {Error} when a job was lost or did not end as expected, or the killed worker was not restarted
 */
function conclude(
  display: LiveLines,
  submitted: ReadonlyMap<number, TourJob>,
  finished: Finished[],
  system: ActorSystem,
): void {
  const count = (state: string): number =>
    finished.filter(({ job }) => job['state'] === state).length
  const [done, failed] = [count('done'), count('failed')]
  const lost = lostJobs(
    submitted.keys(),
    finished.map(({ job }) => job),
  )
  const again = finished.filter(({ job }) => job['attempts'] !== 1).length
  const incarnation = system.lookup(`workers/${victim}`)?.incarnation
  display.print(
    `${styleText('bold', `${done} done, ${failed} failed as it should, ${lost.length} lost`)}; ` +
      `${victim} is incarnation ${incarnation}, ${again} job(s) begun twice`,
  )
  if (lost.length > 0) throw new Error(`these jobs are lost: ${lost.join(', ')}`)
  const surprises = finished.filter(({ job, expected }) => job['state'] !== expected.state)
  if (surprises.length > 0) {
    const names = surprises.map(({ expected }) => expected.title).join(', ')
    throw new Error(`otherwise than expected: ${names}`)
  }
  if (incarnation !== 2) throw new Error('the killed worker was not restarted')
}
