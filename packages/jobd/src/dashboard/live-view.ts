import type { ServerResponse } from 'node:http'
import type { ActorRef, ActorSystem } from '@tasktree/actor'
import { formatReason } from '@tasktree/actor'
import { sleep, TaskManager } from '@tasktree/core'
import { Event } from '@tasktree/sync'
import { finalStates, jobKinds, type JobState } from '../jobs/job.ts'
import type { JobChange, JobFeed } from '../store/job-feed.ts'
import type { Metrics } from '../scheduling/metrics.ts'
import type { Store } from '../store/store.ts'
import { OutputViewer } from './output-viewer.ts'
import type { PageCounts, PageProgress, PageSnapshot } from './page-events.ts'
import { toPageNode } from './page-tree.ts'
import { PageViewer, toPageJob } from './page-viewer.ts'
import { Refusal } from './refusal.ts'

/** What the view shows, each in whichever incarnation it is. */
export interface LiveSources {
  readonly system: ActorSystem
  readonly store: ActorRef<Store>
  readonly metrics: ActorRef<Metrics>
  readonly feed: JobFeed
  /** Carries out one of the server's commands; what is wrong with it is an Error that is answered. */
  readonly command: (words: string[]) => unknown
}

/** Milliseconds between two events of a page at least. */
const flushTime = 100

/** Milliseconds between two looks at the metrics and the counts, which cost the store more the more jobs there are. */
const lookTime = 1_000
const lookShare = 20

/** Open streams. */
const mostViewers = 200

const latestJobs = 100

/** Follows the jobs and the tree while pages are open, and sends each page what has changed. */
export class LiveView implements AsyncDisposable {
  readonly #sources: LiveSources
  readonly #serverId: string
  readonly #tasks: TaskManager
  readonly #pages = new Set<PageViewer>()
  readonly #outputs = new Set<OutputViewer>()
  readonly #progress = new Map<number, PageProgress>()
  readonly #watched = new Event()

  constructor(
    sources: LiveSources,
    serverId: string,
    onError: (error: unknown, name: string) => void,
  ) {
    this.#sources = sources
    this.#serverId = serverId
    this.#tasks = new TaskManager({ onError })
    this.#tasks.create('follow the jobs', () => this.#followJobs())
    this.#tasks.create('follow the tree', () => this.#followTree())
    this.#tasks.create('look at the metrics', () => this.#lookAtMetrics())
    this.#tasks.create('send what changed', () => this.#sendChanges())
  }

  /** Opens a page's stream. @throws {Refusal} when too many are open */
  async showPage(response: ServerResponse): Promise<void> {
    const viewer = new PageViewer(response)
    this.#add(this.#pages, viewer)
    const { system, store, metrics } = this.#sources
    try {
      const [jobs, counts, samples] = await Promise.all([
        store.ask.list(null, latestJobs),
        store.ask.counts(),
        metrics.ask.since(0),
      ])
      const snapshot: PageSnapshot = {
        server: this.#serverId,
        kinds: jobKinds,
        tree: toPageNode(system.snapshot().root),
        counts: toPageCounts(counts),
        jobs: jobs.map(toPageJob),
        progress: [...this.#progress.values()],
        samples,
      }
      viewer.open(() => this.#remove(this.#pages, viewer))
      viewer.begin(snapshot)
    } catch (error) {
      this.#remove(this.#pages, viewer)
      throw error
    }
  }

  /** Opens the stream of one job's output. @throws {Refusal} when there is no such job, or too many are open */
  async showOutput(id: number, response: ServerResponse): Promise<void> {
    const viewer = new OutputViewer(id, response)
    this.#add(this.#outputs, viewer)
    const { store, command } = this.#sources
    try {
      const job = await store.ask.get(id)
      const log = job === null ? '' : await command(['JOB.LOG', String(id)])
      if (job === null) throw new Refusal(404, `there is no job ${id}`)
      viewer.open(() => this.#remove(this.#outputs, viewer))
      viewer.begin(typeof log === 'string' ? log : '', finalStates.has(job.state))
    } catch (error) {
      this.#remove(this.#outputs, viewer)
      throw error
    }
  }

  #add<V extends PageViewer | OutputViewer>(viewers: Set<V>, viewer: V): void {
    if (this.#pages.size + this.#outputs.size >= mostViewers)
      throw new Refusal(503, `${mostViewers} pages are open already`)
    viewers.add(viewer)
    this.#watched.set()
  }

  #remove<V extends PageViewer | OutputViewer>(viewers: Set<V>, viewer: V): void {
    viewers.delete(viewer)
    if (this.#pages.size + this.#outputs.size === 0) this.#watched.clear()
  }

  async #followJobs(): Promise<void> {
    using changes = this.#sources.feed.subscribe()
    for await (const change of changes) {
      this.#remember(change)
      for (const viewer of this.#pages) viewer.see(change)
      for (const viewer of this.#outputs) viewer.see(change)
    }
  }

  #remember(change: JobChange): void {
    if (change.type === 'progress') {
      const { id, done, total } = change
      this.#progress.set(id, { id, done, total })
    } else if (change.type === 'state' && change.job.state !== 'running') {
      this.#progress.delete(change.job.id)
    }
  }

  async #followTree(): Promise<void> {
    using events = this.#sources.system.events.subscribe()
    for await (const event of events) {
      if (event.type !== 'restarting') continue
      const restart = { path: event.path, reason: formatReason(event.reason) }
      for (const viewer of this.#pages) viewer.seeRestart(restart)
    }
  }

  async #lookAtMetrics(): Promise<void> {
    let seen = Date.now()
    for (;;) {
      await this.#watched.wait()
      const begun = performance.now()
      const { store, metrics } = this.#sources
      try {
        const [counts, samples] = await Promise.all([store.ask.counts(), metrics.ask.since(seen)])
        seen = samples.at(-1)?.at ?? seen
        for (const viewer of this.#pages) viewer.seeSamples(samples, toPageCounts(counts))
      } catch (error) {
        // They are being restarted: the next look sees them again.
        if (!isOfActor(error)) throw error
      }
      await sleep(Math.max(lookTime, lookShare * (performance.now() - begun)))
    }
  }

  async #sendChanges(): Promise<void> {
    for (;;) {
      await this.#watched.wait()
      await sleep(flushTime)
      const tree = toPageNode(this.#sources.system.snapshot().root)
      for (const viewer of this.#pages) viewer.flush(tree)
      for (const viewer of this.#outputs) viewer.flush()
    }
  }

  /** Closes every stream, at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const viewer of [...this.#pages, ...this.#outputs]) viewer.close()
    await this.#tasks.cancelAll()
  }
}

const noJobs: Readonly<PageCounts> = { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 }

function toPageCounts(counts: Partial<Record<JobState, number>>): PageCounts {
  return { ...noJobs, ...counts }
}

/** An actor that was asked has ended, or is being restarted. */
export function isOfActor(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('ERR_ACTOR_')
  )
}
