import { finalStates } from '../jobs/job.ts'
import type { JobChange } from '../store/job-feed.ts'
import type { Output } from '../store/job-outputs.ts'
import type { PageOutput } from './page-events.ts'

/**
 * At most this many characters wait for a page that reads slowly. If there are more, only the last characters are kept.
 */
const mostCharacters = 262_144

/** Small pieces are joined up to this many characters, so that few pieces wait. */
const joinedCharacters = 16_384

/**
 * A part of the output of an attempt that was not sent to the page yet. `offset` and `size` are bytes of the attempt's
 * output.
 */
interface Piece {
  readonly attempt: number
  readonly offset: number
  size: number
  text: string
}

/**
 * Makes events for a page of the output of a job's latest attempt, until the job ends. When a later attempt begins, the
 * page shows the output of that attempt instead.
 */
export class JobOutput {
  readonly #id: number
  readonly #send: (event: 'log' | 'output' | 'end', data: PageOutput) => void
  #ended = false
  /**
   * The output that was read from the jobs' file and was not sent to the page yet; null before it is read and after it
   * was sent.
   */
  #before: Output | null = null
  /**
   * The attempt that the page shows, and how many bytes of its output were sent or reported as omitted; null before the
   * first event.
   */
  #shown: { attempt: number; told: number } | null = null
  #latestAttempt = 0
  #pieces: Piece[] = []

  constructor(id: number, send: (event: 'log' | 'output' | 'end', data: PageOutput) => void) {
    this.#id = id
    this.#send = send
  }

  /** Called with the output so far, which the first event contains. `isOver` is true if no output follows. */
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

  /**
   * Sends the parts that wait. To be called when the page is ready for more. Returns true when the output has ended.
   */
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
    // The output that was read from the jobs' file may have contained the beginning of the piece.
    const known = Math.max(0, shown.told - offset)
    const fresh = known === 0 ? text : Buffer.from(text).toString('utf8', known)
    this.#send('output', this.#event(attempt, Math.max(0, offset - shown.told), fresh))
    shown.told = offset + size
  }

  /** Shows `attempt` in place of the attempt that is shown, if `attempt` is a later attempt. */
  #turnTo(shown: { attempt: number; told: number }, attempt: number): void {
    if (attempt <= shown.attempt) return
    Object.assign(shown, { attempt, told: 0 })
    this.#send('log', this.#event(attempt, 0, ''))
  }

  #event(attempt: number, omitted: number, text: string): PageOutput {
    return { job: this.#id, attempt, head: '', omitted, text }
  }
}

/** Returns the end of a piece that is too long. */
function endOf({ attempt, offset, size, text }: Piece): Piece {
  const end = text.slice(-mostCharacters).replace(/^[\uDC00-\uDFFF]/, '')
  const endSize = Buffer.byteLength(end)
  return { attempt, offset: offset + size - endSize, size: endSize, text: end }
}
