import type { Statements } from './statements.ts'

/** At least this many bytes from the beginning and from the end of an attempt's output are stored. */
const keptHead = 262_144
const keptTail = 786_432

/** The largest size of a row, in bytes. */
const partSize = 16_384

/** The stored output of one attempt. */
export interface Output {
  attempt: number
  /** The whole output, or its beginning if `omitted` is not 0. */
  head: string
  /** How many bytes between `head` and `tail` are not stored. */
  omitted: number
  tail: string
  /** How many bytes the whole output had, including the omitted bytes. */
  size: number
}

/** The last row of a running attempt, to which further output is appended. */
interface OpenPart {
  readonly attempt: number
  /** How many bytes of output there are before this row. */
  start: number
  /** How many bytes this row has. */
  size: number
}

/**
 * The outputs of the attempts of jobs.
 *
 * The problem: a job may write for days, so neither the jobs' file nor the memory may grow with its output.
 *
 * The idea: the output is stored in rows of 16 KiB, and rows that are neither in the first 256 KiB nor in the last 768
 * KiB are deleted while the attempt runs. Each row has the offset of its first byte in the whole output. So the size of
 * a gap between two rows is known without a separate counter. A row never begins or ends inside a character.
 */
export class JobOutputs {
  readonly #statements: Statements
  /** The row to which output is appended, by job. */
  readonly #open = new Map<number, OpenPart>()

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /**
   * Appends to the output of an attempt. Must be called in a transaction. Returns how many bytes the output had before.
   */
  append(job: number, attempt: number, text: string): number {
    const part = this.#openPart(job, attempt)
    const offset = part.start + part.size
    let bytes: Buffer = Buffer.from(text)
    while (bytes.length > 0) {
      const length = wholeCharacters(bytes, partSize - part.size)
      if (length === 0) {
        this.#beginPart(job, part)
        continue
      }
      const piece = bytes.toString('utf8', 0, length)
      this.#statements.row(
        `INSERT INTO outputs (job, attempt, start, text) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET text = text || excluded.text`,
        job,
        attempt,
        part.start,
        piece,
      )
      part.size += length
      bytes = bytes.subarray(length)
    }
    return offset
  }

  /** Begins a new row, and deletes the rows that are neither in the beginning nor in the end of the output any more. */
  #beginPart(job: number, part: OpenPart): void {
    part.start += part.size
    part.size = 0
    this.#statements.row(
      'DELETE FROM outputs WHERE job = ? AND attempt = ? AND start >= ? AND start <= ?',
      job,
      part.attempt,
      keptHead,
      part.start - keptTail - partSize,
    )
  }

  #openPart(job: number, attempt: number): OpenPart {
    let part = this.#open.get(job)
    if (part?.attempt !== attempt) {
      const latest = this.#statements.row(
        `SELECT start, octet_length(text) AS size FROM outputs WHERE job = ? AND attempt = ?
         ORDER BY start DESC LIMIT 1`,
        job,
        attempt,
      ) as { start: number; size: number } | null
      part = { attempt, start: latest?.start ?? 0, size: latest?.size ?? 0 }
      this.#open.set(job, part)
    }
    return part
  }

  /** Called when the attempt of the job has ended. */
  close(job: number): void {
    this.#open.delete(job)
  }

  /**
   * Called when a transaction was rolled back, because `#open` may describe rows that the rollback has removed or
   * changed.
   */
  rolledBack(): void {
    this.#open.clear()
  }

  read(job: number, attempt: number): Output {
    const parts = this.#statements.rows(
      'SELECT start, text, octet_length(text) AS size FROM outputs WHERE job = ? AND attempt = ? ORDER BY start',
      job,
      attempt,
    ) as { start: number; text: string; size: number }[]
    const texts: { head: string[]; tail: string[] } = { head: [], tail: [] }
    let [omitted, size] = [0, 0]
    for (const part of parts) {
      omitted += part.start - size
      texts[omitted === 0 ? 'head' : 'tail'].push(part.text)
      size = part.start + part.size
    }
    return { attempt, head: texts.head.join(''), omitted, tail: texts.tail.join(''), size }
  }

  /** Returns how many bytes each attempt of a job has written. */
  sizes(job: number): Map<number, number> {
    const rows = this.#statements.rows(
      'SELECT attempt, max(start + octet_length(text)) AS size FROM outputs WHERE job = ? GROUP BY attempt',
      job,
    ) as { attempt: number; size: number }[]
    return new Map(rows.map(({ attempt, size }) => [attempt, size]))
  }
}

/**
 * Returns how many of the first `most` bytes form whole characters. A byte of the form 10xxxxxx continues the character
 * before it.
 */
function wholeCharacters(bytes: Buffer, most: number): number {
  if (bytes.length <= most) return bytes.length
  let length = most
  while (length > 0 && ((bytes[length] as number) & 0xc0) === 0x80) length--
  return length
}

/** Returns the output as one text, with a line that says how much is missing. */
export function textOf({ head, omitted, tail }: Output): string {
  if (omitted === 0) return head
  const end = head.endsWith('\n') ? '' : '\n'
  return `${head}${end}${omittedLine(omitted)}\n${tail}`
}

/** Returns the line that replaces output that is not stored. */
function omittedLine(omitted: number): string {
  return `[${omitted} bytes of output are left out here]`
}
