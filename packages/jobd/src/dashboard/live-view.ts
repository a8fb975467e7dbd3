import type { ServerResponse } from 'node:http'
import type { ActorRef, ActorSystem } from '@tasktree/actor'
import { sleep, TaskManager } from '@tasktree/core'
import { Event } from '@tasktree/sync'
import { finalStates } from '../jobs/job.ts'
import type { KindTable } from '../jobs/kind-table.ts'
import type { JobChange, JobFeed } from '../store/job-feed.ts'
import type { History } from '../scheduling/history.ts'
import type { Output } from '../store/job-outputs.ts'
import type { Store } from '../store/store.ts'
import { OutputViewer } from './output-viewer.ts'
import type { PageControls, PageProgress, PageSnapshot } from './page-events.ts'
import { toPageNode } from './page-tree.ts'
import { PageViewer, toPageJob } from './page-viewer.ts'
import { Refusal } from './refusal.ts'

/**
 * The parts of the server from which the view gets its data. Each part is looked up when it is used, because it may
 * have been restarted.
 */
export interface LiveSources {
  readonly system: ActorSystem
  readonly store: ActorRef<Store>
  readonly kinds: KindTable
  readonly feed: JobFeed
  readonly history: History
  /** Returns the data for the page's panel of controls. */
  readonly controls: () => Promise<PageControls>
  /** Carries out a command of the server. Returns an Error if the command is refused. */
  readonly command: (words: string[], sender: Sender) => unknown
  readonly audit: (who: string, action: string) => void
  /** Returns the measurements in the format of Prometheus. */
  readonly prometheus: () => Promise<{ type: string; text: string }>
  /** Returns the reason why the server cannot take jobs at the moment; null when it can. */
  readonly unready: () => Promise<string | null>
}

/** The sender of a request: the name for the audit, and the address. */
export interface Sender {
  who: string
  address: string
}

/** The least number of milliseconds between two events of a page. */
const flushTime = 100

/** Milliseconds between two reads of the metrics and the counts. */
const lookTime = 1_000

/** At most this many streams are open. */
const mostViewers = 200

const latestJobs = 100

/** Follows the jobs and the tree while pages are open, and sends the changes to each page. */
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
    this.#tasks.create('look at the metrics', () => this.#lookAtMetrics())
    this.#tasks.create('send what changed', () => this.#sendChanges())
  }

  /** Opens the event stream of a page. @throws {Refusal} when too many streams are open */
  async showPage(response: ServerResponse): Promise<void> {
    const viewer = new PageViewer(response)
    this.#add(this.#pages, viewer)
    try {
      const snapshot = await this.snapshot(viewer.name)
      viewer.open(() => this.#remove(this.#pages, viewer))
      viewer.begin(snapshot)
    } catch (error) {
      this.#remove(this.#pages, viewer)
      throw error
    }
  }

  /** Returns the current state of everything that the page shows. `stream` is the name of the page's event stream. */
  async snapshot(stream: string): Promise<PageSnapshot> {
    const { system, store, history, kinds } = this.#sources
    const [jobs, counts] = await Promise.all([store.ask.list({}, latestJobs), store.ask.counts()])
    return {
      server: this.#serverId,
      stream,
      kinds: Object.fromEntries(
        kinds.names.map((name) => [name, kinds.get(name)?.placeholder ?? '']),
      ),
      tree: toPageNode(system.snapshot().root),
      counts,
      jobs: jobs.map(toPageJob),
      progress: [...this.#progress.values()],
      samples: history.samplesSince(0),
      restarts: [...history.restarts],
    }
  }

  /**
   * Makes a page's event stream carry the output of a job, or, if `isFollowed` is false, stop carrying it.
   *
   * @throws {Refusal} when there is no such stream or job
   */
  async follow(stream: string, id: number, isFollowed: boolean): Promise<void> {
    const viewer = [...this.#pages].find(({ name }) => name === stream)
    if (viewer === undefined) throw new Refusal(404, 'that stream has ended')
    viewer.unfollow(id)
    if (!isFollowed) return
    const output = viewer.follow(id)
    try {
      output.begin(...(await this.#readOutput(id)))
      viewer.flushOutputs()
    } catch (error) {
      viewer.unfollow(id)
      throw error
    }
  }

  /** Opens a stream of one job's output. @throws {Refusal} when there is no such job, or too many streams are open */
  async showOutput(id: number, response: ServerResponse): Promise<void> {
    const viewer = new OutputViewer(id, response)
    this.#add(this.#outputs, viewer)
    try {
      const [output, isOver] = await this.#readOutput(id)
      viewer.open(() => this.#remove(this.#outputs, viewer))
      viewer.begin(output, isOver)
    } catch (error) {
      this.#remove(this.#outputs, viewer)
      throw error
    }
  }

  /** Reads the output so far of a job's latest attempt, and whether it is complete. */
  async #readOutput(id: number): Promise<[output: Output, isOver: boolean]> {
    const { store } = this.#sources
    const job = await store.ask.get(id)
    const output = await store.ask.output(id)
    if (job === null || output === null) throw new Refusal(404, `there is no job ${id}`)
    return [output, finalStates.has(job.state)]
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

  async #lookAtMetrics(): Promise<void> {
    const { history } = this.#sources
    let seen = history.latestSamples(1)[0]?.n ?? 0
    for (;;) {
      await this.#watched.wait()
      const { store } = this.#sources
      try {
        const counts = await store.ask.counts()
        const samples = history.samplesSince(seen)
        seen = samples.at(-1)?.n ?? seen
        for (const viewer of this.#pages) viewer.seeSamples(samples, counts)
      } catch (error) {
        // The store is being restarted. The next read will succeed.
        if (!isOfActor(error)) throw error
      }
      await sleep(lookTime)
    }
  }

  async #sendChanges(): Promise<void> {
    const { history } = this.#sources
    let seen = history.restarts
    for (;;) {
      await this.#watched.wait()
      await sleep(flushTime)
      const fresh = history.restarts.filter((restart) => !seen.includes(restart))
      seen = history.restarts
      for (const restart of fresh) for (const viewer of this.#pages) viewer.seeRestart(restart)
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

/** Whether the error says that an actor that was asked has ended, or is being restarted. */
export function isOfActor(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('ERR_ACTOR_')
  )
}
