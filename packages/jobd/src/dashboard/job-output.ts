import { finalStates } from '../jobs/job.ts'
import type { JobChange } from '../store/job-feed.ts'
import type { PageOutput } from './page-events.ts'

/** At most this many characters wait for a page that does not read. If there are more, the last ones are kept. */
const mostCharacters = 262_144

/** One job's output as events for a page, from its beginning to the job's end. */
export class JobOutput {
  readonly #id: number
  readonly #send: (event: 'log' | 'output' | 'end', data: PageOutput) => void
  #ended = false
  /** How many characters of the output the page has been told of; null before the first event. */
  #told: number | null = null
  /** The text that the page has still to be told, and the place in the output at which it begins. */
  #pending = ''
  #offset = 0

  constructor(id: number, send: (event: 'log' | 'output' | 'end', data: PageOutput) => void) {
    this.#id = id
    this.#send = send
  }

  /** The first event: the output so far. `isOver`: nothing follows. */
  begin(log: string, isOver: boolean): void {
    this.#told = log.length
    const text = log.slice(-mostCharacters)
    this.#send('log', { job: this.#id, text, omitted: log.length - text.length })
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

  /** Sends the text that waits; call it when the page is ready for more. Returns true when the output has ended. */
  flush(): boolean {
    if (this.#told === null) return false
    // The log, which was read after this object was made, may have had some of it.
    const known = Math.max(0, this.#told - this.#offset)
    const text = this.#pending.slice(known)
    if (text !== '') {
      const omitted = this.#offset + known - this.#told
      this.#send('output', { job: this.#id, text, omitted })
      this.#told += omitted + text.length
    }
    this.#pending = ''
    if (this.#ended) this.#send('end', { job: this.#id, text: '', omitted: 0 })
    return this.#ended
  }
}
