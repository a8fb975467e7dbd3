import type { Job } from '../jobs/job.ts'
import type { JobChange } from '../store/job-feed.ts'
import type { Sample } from '../scheduling/sample.ts'
import { EventStream } from './event-stream.ts'
import type {
  PageChanges,
  PageCounts,
  PageJob,
  PageNode,
  PageProgress,
  PageRestart,
  PageSnapshot,
} from './page-events.ts'

/** What is kept for a page that does not read: of jobs the newest, which is what it shows; of the rest the latest. */
const most = { jobs: 200, restarts: 100, samples: 300 }

/** Of a job's texts; the page asks for the whole when it shows one. */
const shownCharacters = 240

/** One open page: gathers what changed, and sends it when the page is ready for more. */
export class PageViewer extends EventStream {
  #begun = false
  #jobs = new Map<number, PageJob>()
  #progress = new Map<number, PageProgress>()
  #restarts: PageRestart[] = []
  #samples: Sample[] = []
  #counts: PageCounts | null = null
  /** As they were sent last: what has not changed is not sent again. */
  #sentTree = ''
  #sentCounts = ''

  /** The first event. What happened since this viewer was made is sent after it. */
  begin(snapshot: PageSnapshot): void {
    this.#begun = true
    this.#sentTree = JSON.stringify(snapshot.tree)
    this.#sentCounts = JSON.stringify(snapshot.counts)
    this.send('snapshot', snapshot)
  }

  see(change: JobChange): void {
    if (change.type === 'progress') {
      this.#progress.set(change.id, { id: change.id, done: change.done, total: change.total })
    } else if (change.type === 'state') {
      const { job } = change
      if (job.state !== 'running') this.#progress.delete(job.id)
      // Put at the end again: the first is the one that changed longest ago.
      this.#jobs.delete(job.id)
      this.#jobs.set(job.id, toPageJob(job))
      const [oldest] = this.#jobs.keys()
      if (this.#jobs.size > most.jobs && oldest !== undefined) this.#jobs.delete(oldest)
    }
  }

  seeRestart(restart: PageRestart): void {
    this.#restarts = [...this.#restarts, restart].slice(-most.restarts)
  }

  seeSamples(samples: Sample[], counts: PageCounts): void {
    this.#samples = [...this.#samples, ...samples].slice(-most.samples)
    this.#counts = counts
  }

  /** Sends what has changed, unless the page has not yet read what was sent before. */
  flush(tree: PageNode): void {
    if (!this.#begun || !this.isReady) return
    const changes: PageChanges = {}
    const treeText = JSON.stringify(tree)
    if (treeText !== this.#sentTree) changes.tree = tree
    const countsText = JSON.stringify(this.#counts)
    if (this.#counts !== null && countsText !== this.#sentCounts) changes.counts = this.#counts
    if (this.#jobs.size > 0) changes.jobs = [...this.#jobs.values()]
    if (this.#progress.size > 0) changes.progress = [...this.#progress.values()]
    if (this.#restarts.length > 0) changes.restarts = this.#restarts
    if (this.#samples.length > 0) changes.samples = this.#samples
    this.#sentTree = treeText
    if (this.#counts !== null) this.#sentCounts = countsText
    this.#jobs = new Map()
    this.#progress = new Map()
    this.#restarts = []
    this.#samples = []
    this.#counts = null
    if (Object.keys(changes).length > 0) this.send('changes', changes)
    else this.keepAlive()
  }
}

/** As the table shows it. */
export function toPageJob(job: Job): PageJob {
  const { id, kind, state, priority, timeout, retries, key, attempts, createdAt, notBefore } = job
  return {
    id,
    kind,
    payload: cut(job.payload),
    state,
    priority,
    timeout,
    retries,
    key,
    attempts,
    result: job.result === null ? null : cut(job.result),
    error: job.error === null ? null : cut(job.error),
    createdAt,
    notBefore,
  }
}

function cut(text: string): string {
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters - 1)}…` : text
}
