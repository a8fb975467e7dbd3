import { randomBytes } from 'node:crypto'
import type { Job } from '../jobs/job.ts'
import type { JobChange } from '../store/job-feed.ts'
import type { Restart, Sample } from '../scheduling/sample.ts'
import { EventStream } from './event-stream.ts'
import { JobOutput } from './job-output.ts'
import type {
  PageChanges,
  PageCounts,
  PageJob,
  PageNode,
  PageProgress,
  PageSnapshot,
} from './page-events.ts'

/**
 * How many changes of each sort wait at most for a page that reads slowly. Older changes are dropped, because the page
 * shows the newest jobs.
 */
const most = { jobs: 200, deleted: 1_000, restarts: 100, samples: 300, outputs: 20 }

/** How many characters of each text of a job are sent. The page asks for the whole text when it shows the job. */
const shownCharacters = 240

/** The event stream of one open page. It collects changes, and sends them when the page is ready for more. */
export class PageViewer extends EventStream {
  /** The name by which the page refers to this stream. */
  readonly name: string = randomBytes(8).toString('base64url')
  readonly #outputs = new Map<number, JobOutput>()
  #begun = false
  #deleted: number[] = []
  #jobs = new Map<number, PageJob>()
  #progress = new Map<number, PageProgress>()
  #restarts: Restart[] = []
  #samples: Sample[] = []
  #counts: PageCounts | null = null
  /** The values that were sent last, because an unchanged value is not sent again. */
  #sentTree = ''
  #sentCounts = ''

  /** Sends the first event. The changes since this viewer was made follow it. */
  begin(snapshot: PageSnapshot): void {
    this.#begun = true
    this.#sentTree = JSON.stringify(snapshot.tree)
    this.#sentCounts = JSON.stringify(snapshot.counts)
    this.send('snapshot', snapshot)
  }

  /**
   * Makes the stream carry the job's output too. If this makes too many outputs, the stream stops carrying the oldest
   * one.
   */
  follow(id: number): JobOutput {
    const output = new JobOutput(id, (event, data) => this.send(event, data))
    this.#outputs.delete(id)
    this.#outputs.set(id, output)
    const [oldest] = this.#outputs.keys()
    if (this.#outputs.size > most.outputs && oldest !== undefined) this.#outputs.delete(oldest)
    return output
  }

  unfollow(id: number): void {
    this.#outputs.delete(id)
  }

  see(change: JobChange): void {
    for (const output of this.#outputs.values()) output.see(change)
    if (change.type === 'progress') {
      this.#progress.set(change.id, { id: change.id, done: change.done, total: change.total })
    } else if (change.type === 'state') {
      const { job } = change
      if (job.state !== 'running') this.#progress.delete(job.id)
      // The job is deleted and set again, so that the map's first job is the job that changed longest ago.
      this.#jobs.delete(job.id)
      this.#jobs.set(job.id, toPageJob(job))
      const [oldest] = this.#jobs.keys()
      if (this.#jobs.size > most.jobs && oldest !== undefined) this.#jobs.delete(oldest)
    } else if (change.type === 'deleted') {
      for (const id of change.ids) this.#jobs.delete(id)
      this.#deleted = [...this.#deleted, ...change.ids].slice(-most.deleted)
    }
  }

  seeRestart(restart: Restart): void {
    this.#restarts = [...this.#restarts, restart].slice(-most.restarts)
  }

  seeSamples(samples: Sample[], counts: PageCounts): void {
    this.#samples = [...this.#samples, ...samples].slice(-most.samples)
    this.#counts = counts
  }

  /** Sends the changes, unless the page has not yet read what was sent before. */
  flush(tree: PageNode): void {
    if (!this.#begun || !this.isReady) return
    const changes: PageChanges = {}
    const treeText = JSON.stringify(tree)
    if (treeText !== this.#sentTree) changes.tree = tree
    const countsText = JSON.stringify(this.#counts)
    if (this.#counts !== null && countsText !== this.#sentCounts) changes.counts = this.#counts
    if (this.#jobs.size > 0) changes.jobs = [...this.#jobs.values()]
    if (this.#deleted.length > 0) changes.deleted = this.#deleted
    if (this.#progress.size > 0) changes.progress = [...this.#progress.values()]
    if (this.#restarts.length > 0) changes.restarts = this.#restarts
    if (this.#samples.length > 0) changes.samples = this.#samples
    this.#sentTree = treeText
    if (this.#counts !== null) this.#sentCounts = countsText
    this.#jobs = new Map()
    this.#deleted = []
    this.#progress = new Map()
    this.#restarts = []
    this.#samples = []
    this.#counts = null
    if (Object.keys(changes).length > 0) this.send('changes', changes)
    else this.keepAlive()
    this.flushOutputs()
  }

  /**
   * Sends the outputs that wait, one after the other, because the beginning of one output may have 1 MiB. The next
   * output is sent when the page has read the one before it.
   */
  flushOutputs(): void {
    for (const [id, output] of this.#outputs) {
      if (!this.#begun || !this.isReady) return
      if (output.flush()) this.#outputs.delete(id)
    }
  }
}

/** Returns the job as the page's table shows it. */
export function toPageJob(job: Job): PageJob {
  const { id, kind, state, priority, timeout, retries, attempts, deaths } = job
  const { createdAt, notBefore, startedAt, endedAt } = job
  const texts = {
    payload: cut(job.payload),
    key: job.key === null ? null : cut(job.key),
    result: job.result === null ? null : cut(job.result),
    error: job.error === null ? null : cut(job.error),
  }
  const { resultType, schedule, scheduledAt } = job
  const group = job.group === null ? null : cut(job.group)
  const times = { createdAt, notBefore, startedAt, endedAt }
  return {
    id,
    kind,
    state,
    priority,
    timeout,
    retries,
    attempts,
    deaths,
    group,
    resultType,
    schedule,
    scheduledAt,
    ...texts,
    ...times,
  }
}

/** Returns the beginning of a long text. It never ends inside a character. */
export function cut(text: string): string {
  if (text.length <= shownCharacters) return text
  return `${text.slice(0, shownCharacters - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
