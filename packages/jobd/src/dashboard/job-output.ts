import { finalStates } from '../jobs/job.ts'
import type { JobChange } from '../store/job-feed.ts'
import type { Output } from '../store/job-outputs.ts'
import type { PageOutput } from './page-events.ts'

/** At most this many characters wait for a page that does not read. If there are more, the last ones are kept. */
const mostCharacters = 262_144

/** Small pieces are joined up to this many characters, so that few pieces wait. */
const joinedCharacters = 16_384

/** Output of an attempt that the page has still to be told. Offset and size are bytes of the attempt's output. */
interface Piece {
  readonly attempt: number
  readonly offset: number
  size: number
  text: string
}

/**
 * The output of a job's latest attempt as events for a page, until the job ends. When a later attempt begins, its output
 * takes the place of the earlier output.
 */
export class JobOutput {
  readonly #id: number
  readonly #send: (event: 'log' | 'output' | 'end', data: PageOutput) => void
  #ended = false
  /** The output that was read from the file, until the page is told of it; null before and afterwards. */
  #before: Output | null = null
  /** The attempt that the page shows, and how many bytes of its output the page has been told of; null before the first event. */
  #shown: { attempt: number; told: number } | null = null
  #latestAttempt = 0
  #pieces: Piece[] = []

  constructor(id: number, send: (event: 'log' | 'output' | 'end', data: PageOutput) => void) {
    this.#id = id
    this.#send = send
  }

  /** The output so far, which the first event tells. `isOver`: nothing follows. */
  begin(before: Output, isOver: boolean): void {
    this.#before = before
    if (isOver) this.#ended = true
  }

  see(change: JobChange): void {
    if (change.type === 'output' && change.id === this.#id) {
      this.#add(change)
    } else if (change.type === 'state' && change.job.id === this.#id) {
      this.#ended = finalStates.has(change.job.state)
      this.#latestAttempt = change.job.attempts
    }
  }

  #add({ attempt, offset, text }: { attempt: number; offset: number; text: string }): void {
    const last = this.#pieces.at(-1)
    const size = Buffer.byteLength(text)
    const isNext = last?.attempt === attempt && last.offset + last.size === offset
    if (isNext && last.text.length + text.length <= joinedCharacters) {
      last.text += text
      last.size += size
    } else this.#pieces.push({ attempt, offset, size, text })
    let waiting = this.#pieces.reduce((sum, piece) => sum + piece.text.length, 0)
    while (waiting > mostCharacters && this.#pieces.length > 1)
      waiting -= this.#pieces.shift()?.text.length ?? 0
    if (waiting > mostCharacters) this.#pieces = [endOf(this.#pieces[0] as Piece)]
  }

  /** Sends what waits; call it when the page is ready for more. Returns true when the output has ended. */
  flush(): boolean {
    const before = this.#before
    if (before !== null) {
      this.#before = null
      const { attempt, head, omitted, tail, size } = before
      this.#shown = { attempt, told: size }
      this.#send('log', { job: this.#id, attempt, head, omitted, text: tail })
    }
    if (this.#shown === null) return false
    for (const piece of this.#pieces) this.#tell(this.#shown, piece)
    this.#pieces = []
    this.#turnTo(this.#shown, this.#latestAttempt)
    if (this.#ended) this.#send('end', this.#event(this.#shown.attempt, 0, ''))
    return this.#ended
  }

  #tell(shown: { attempt: number; told: number }, { attempt, offset, size, text }: Piece): void {
    this.#turnTo(shown, attempt)
    if (attempt < shown.attempt || offset + size <= shown.told) return
    // The output that was read from the file may have contained the beginning of the piece.
    const known = Math.max(0, shown.told - offset)
    const fresh = known === 0 ? text : Buffer.from(text).toString('utf8', known)
    this.#send('output', this.#event(attempt, Math.max(0, offset - shown.told), fresh))
    shown.told = offset + size
  }

  /** A later attempt has begun. */
  #turnTo(shown: { attempt: number; told: number }, attempt: number): void {
    if (attempt <= shown.attempt) return
    Object.assign(shown, { attempt, told: 0 })
    this.#send('log', this.#event(attempt, 0, ''))
  }

  #event(attempt: number, omitted: number, text: string): PageOutput {
    return { job: this.#id, attempt, head: '', omitted, text }
  }
}

/** The last characters of a piece that is too long. */
function endOf({ attempt, offset, size, text }: Piece): Piece {
  const end = text.slice(-mostCharacters).replace(/^[\uDC00-\uDFFF]/, '')
  const endSize = Buffer.byteLength(end)
  return { attempt, offset: offset + size - endSize, size: endSize, text: end }
}
