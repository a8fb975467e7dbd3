import type { PageChanges, PageOutput, PageSnapshot } from '../page-events.ts'

/** A message from a tab to the shared stream. */
export type FromTab =
  | { type: 'hello'; token: string }
  | { type: 'follow'; job: number }
  | { type: 'unfollow'; job: number }
  | { type: 'bye' }

/** A message from the shared stream to a tab. */
export type ToTab =
  | { type: 'live' }
  | { type: 'lost' }
  /** The server has refused the stream, perhaps because it asks for the password again. */
  | { type: 'refused' }
  | { type: 'snapshot'; snapshot: PageSnapshot }
  | { type: 'changes'; changes: PageChanges }
  | { type: 'output'; event: 'log' | 'output' | 'end'; output: PageOutput }

/** A tab that uses the shared stream. */
export interface Tab {
  send: (message: ToTab) => void
}

/** Milliseconds after which a stream that was refused is opened again. */
const retryDelay = 1_000

/**
 * A stream that is silent for this many milliseconds has failed, because a working server sends its measurements each
 * second.
 */
const longestSilence = 10_000

/**
 * The event stream that all tabs of a browser share.
 *
 * The problem: a browser opens at most six connections to a server, and each event stream needs one of them. If each
 * tab had its own stream, six tabs would leave no connection for other requests.
 *
 * The idea: this object opens one stream and passes the events on to all tabs. It runs in a SharedWorker, or in the
 * page itself if the browser does not support SharedWorkers.
 */
export class SharedEventStream {
  readonly #base: string
  readonly #tabs = new Map<Tab, Set<number>>()
  #token = ''
  #source: EventSource | null = null
  /** The name that the server gave the open stream; null while no stream is open. */
  #stream: string | null = null
  #silence = 0

  /** `base` is the URL of the page without the name of its file. */
  constructor(base: string) {
    this.#base = base
  }

  receive(tab: Tab, message: FromTab): void {
    const followed = this.#tabs.get(tab)
    if (message.type === 'hello') this.#join(tab, message.token)
    else if (followed === undefined) return
    else if (message.type === 'bye') this.#leave(tab, followed)
    else if (message.type === 'follow') {
      followed.add(message.job)
      void this.#tell(message.job, true)
    } else this.#unfollow(followed, message.job)
  }

  #join(tab: Tab, token: string): void {
    this.#token = token
    this.#tabs.set(tab, new Set())
    if (this.#source === null) this.#open()
    else if (this.#stream !== null) void this.#sendSnapshot(tab, this.#stream)
  }

  #leave(tab: Tab, followed: Set<number>): void {
    for (const job of followed) this.#unfollow(followed, job)
    this.#tabs.delete(tab)
    if (this.#tabs.size > 0) return
    clearTimeout(this.#silence)
    this.#source?.close()
    this.#source = null
    this.#stream = null
  }

  #unfollow(followed: Set<number>, job: number): void {
    followed.delete(job)
    if (![...this.#tabs.values()].some((jobs) => jobs.has(job))) void this.#tell(job, false)
  }

  #send(message: ToTab): void {
    for (const tab of this.#tabs.keys()) tab.send(message)
  }

  #open(): void {
    const source = new EventSource(`${this.#base}events`)
    this.#source = source
    const on = (name: string, take: (data: string) => void): void =>
      source.addEventListener(name, (event: MessageEvent<string>) => {
        this.#heard()
        take(event.data)
      })
    this.#heard()
    on('snapshot', (data) => this.#begin(JSON.parse(data) as PageSnapshot))
    on('changes', (data) =>
      this.#send({ type: 'changes', changes: JSON.parse(data) as PageChanges }),
    )
    for (const event of ['log', 'output', 'end'] as const)
      on(event, (data) => this.#pass(event, JSON.parse(data) as PageOutput))
    source.addEventListener('error', () => {
      this.#stream = null
      this.#send({ type: 'lost' })
      // The browser opens a lost connection again, but not a connection that the server has refused.
      if (source.readyState !== EventSource.CLOSED || this.#source !== source) return
      this.#send({ type: 'refused' })
      this.#again(retryDelay)
    })
  }

  #heard(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      this.#send({ type: 'lost' })
      this.#again(0)
    }, longestSilence)
  }

  #again(delay: number): void {
    clearTimeout(this.#silence)
    this.#source?.close()
    this.#stream = null
    this.#silence = setTimeout(() => this.#open(), delay)
  }

  /**
   * Called with the first event of a new stream: at the beginning, and each time a lost connection is open again. Sends
   * the snapshot to all tabs, and asks the server again for the outputs that they follow.
   */
  #begin(snapshot: PageSnapshot): void {
    this.#stream = snapshot.stream
    this.#send({ type: 'snapshot', snapshot })
    this.#send({ type: 'live' })
    const followed = new Set<number>()
    for (const jobs of this.#tabs.values()) for (const job of jobs) followed.add(job)
    for (const job of followed) void this.#tell(job, true)
  }

  #pass(event: 'log' | 'output' | 'end', output: PageOutput): void {
    for (const [tab, jobs] of this.#tabs)
      if (jobs.has(output.job)) tab.send({ type: 'output', event, output })
  }

  /**
   * Sends a snapshot to a tab that was opened later. The tab may also get changes that are older than its snapshot.
   * Later changes correct them.
   */
  async #sendSnapshot(tab: Tab, stream: string): Promise<void> {
    try {
      const response = await fetch(`${this.#base}snapshot?stream=${stream}`)
      if (!response.ok) throw new Error(response.statusText)
      tab.send({ type: 'snapshot', snapshot: (await response.json()) as PageSnapshot })
      tab.send({ type: 'live' })
    } catch {
      tab.send({ type: 'lost' })
      this.#again(retryDelay)
    }
  }

  /**
   * Tells the server to send the output of a job through the stream, or to stop sending it. If the stream ends before
   * the server has answered, the server is told again when the next stream begins.
   */
  async #tell(job: number, follow: boolean): Promise<void> {
    const stream = this.#stream
    if (stream === null) return
    try {
      await fetch(`${this.#base}streams/${stream}/outputs`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Jobd-Token': this.#token },
        body: JSON.stringify({ job, follow }),
      })
    } catch {
      // The connection is lost. The event stream notices the loss too, and is opened again.
    }
  }
}
