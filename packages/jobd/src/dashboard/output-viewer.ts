import type { ServerResponse } from 'node:http'
import { finalStates } from '../jobs/job.ts'
import type { JobChange } from '../store/job-feed.ts'
import { EventStream } from './event-stream.ts'
import type { PageOutput } from './page-events.ts'

/** So many characters wait for a page that does not read; of more, the last ones. */
const mostCharacters = 262_144

/** One job's output on an open page, from its beginning to the job's end. */
export class OutputViewer extends EventStream {
  readonly #id: number
  #ended = false
  /** How many characters of the output the page has been told of; null before the first event. */
  #told: number | null = null
  /** What it is to be told, and where that begins in the output. */
  #pending = ''
  #offset = 0

  constructor(id: number, response: ServerResponse) {
    super(response)
    this.#id = id
  }

  /** The first event: what there has been. `isOver`: nothing follows. */
  begin(log: string, isOver: boolean): void {
    this.#told = log.length
    const text = log.slice(-mostCharacters)
    this.send('log', { text, omitted: log.length - text.length } satisfies PageOutput)
    if (isOver) this.#ended = true
  }

  see(change: JobChange): void {
    if (change.type === 'output' && change.id === this.#id) {
      const all = this.#pending + change.text
      this.#pending = all.slice(-mostCharacters)
      this.#offset = change.offset + change.text.length - this.#pending.length
    } else if (change.type === 'state' && change.job.id === this.#id) {
      this.#ended = finalStates.has(change.job.state)
    }
  }

  flush(): void {
    if (this.#told === null || !this.isReady) return
    // The log, which was looked at later than this viewer was made, may have had some of it.
    const known = Math.max(0, this.#told - this.#offset)
    const text = this.#pending.slice(known)
    if (text !== '') {
      const omitted = this.#offset + known - this.#told
      this.send('output', { text, omitted } satisfies PageOutput)
      this.#told += omitted + text.length
    }
    this.#pending = ''
    if (!this.#ended) {
      this.keepAlive()
      return
    }
    this.send('end', {})
    this.close()
  }
}
