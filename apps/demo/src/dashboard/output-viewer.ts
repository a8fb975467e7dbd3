import type { ServerResponse } from 'node:http'
import { finalStates } from '../job.ts'
import type { JobChange } from '../job-feed.ts'
import { EventStream } from './event-stream.ts'
import type { PageOutput } from './page-events.ts'

/** So many characters wait for a page that does not read; of more, the last ones. */
const mostCharacters = 262_144

/** One job's output on an open page, from its beginning to the job's end. */
export class OutputViewer extends EventStream {
  readonly #id: number
  #begun = false
  #ended = false
  #pending: PageOutput = { text: '', omitted: 0 }

  constructor(id: number, response: ServerResponse) {
    super(response)
    this.#id = id
  }

  /** The first event: what there has been. `isOver`: nothing follows. */
  begin(log: string, isOver: boolean): void {
    this.#begun = true
    const text = log.slice(-mostCharacters)
    this.send('log', { text, omitted: log.length - text.length } satisfies PageOutput)
    if (isOver) this.#ended = true
  }

  see(change: JobChange): void {
    if (change.type === 'output' && change.id === this.#id) {
      const all = this.#pending.text + change.text
      const text = all.slice(-mostCharacters)
      this.#pending = { text, omitted: this.#pending.omitted + all.length - text.length }
    } else if (change.type === 'state' && change.job.id === this.#id) {
      this.#ended = finalStates.has(change.job.state)
    }
  }

  flush(): void {
    if (!this.#begun || !this.isReady) return
    if (this.#pending.text !== '') {
      this.send('output', this.#pending)
      this.#pending = { text: '', omitted: 0 }
    }
    if (!this.#ended) {
      this.keepAlive()
      return
    }
    this.send('end', {})
    this.close()
  }
}
