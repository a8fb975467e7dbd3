import type { Statements } from './statements.ts'

/** Of the output of one attempt at least this many bytes are kept, counted from the beginning and from the end. */
const keptHead = 262_144
const keptTail = 786_432

/** The most bytes that one row has. */
const partSize = 16_384

/** What is kept of the output of one attempt. */
export interface Output {
  attempt: number
  /** All of it, or its beginning when `omitted` is not 0. */
  head: string
  /** Bytes between `head` and `tail` that are not kept. */
  omitted: number
  tail: string
  /** Bytes of the whole output, the omitted bytes too. */
  size: number
}

/** The row that further output of an attempt is added to. */
interface OpenPart {
  readonly attempt: number
  /** Bytes of output before this part. */
  start: number
  /** Bytes of this part. */
  size: number
}

/**
 * The outputs of the attempts of jobs. A job may write for days, so neither the file nor the memory may grow with its output:
 * the output is a row for every 16 KiB, and rows between the beginning and the end are deleted while the attempt runs.
 * Each row says at which byte of the whole output it starts. A gap between two rows is therefore known by its size, and
 * no counter has to be kept beside the rows. Rows are cut between characters, never within one.
 */
export class JobOutputs {
  readonly #statements: Statements
  /** By job. */
  readonly #open = new Map<number, OpenPart>()

  constructor(statements: Statements) {
    this.#statements = statements
  }

  /** Adds to the output of an attempt; to be called in a transaction. Gives how many bytes the output had before. */
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

  /** Goes on with a new row, and deletes the rows that belong neither to the beginning nor to the end any more. */
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

  /** The job's attempt has ended. */
  close(job: number): void {
    this.#open.delete(job)
  }

  /** A transaction was rolled back: the rows are no longer as they were remembered. */
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

  /** How many bytes each attempt of a job has written. */
  sizes(job: number): Map<number, number> {
    const rows = this.#statements.rows(
      'SELECT attempt, max(start + octet_length(text)) AS size FROM outputs WHERE job = ? GROUP BY attempt',
      job,
    ) as { attempt: number; size: number }[]
    return new Map(rows.map(({ attempt, size }) => [attempt, size]))
  }
}

/** How many of the first `most` bytes are whole characters: a byte of the form 10xxxxxx goes on with the character before. */
function wholeCharacters(bytes: Buffer, most: number): number {
  if (bytes.length <= most) return bytes.length
  let length = most
  while (length > 0 && ((bytes[length] as number) & 0xc0) === 0x80) length--
  return length
}

/** The output as one text, with a line that says how much is missing. */
export function textOf({ head, omitted, tail }: Output): string {
  if (omitted === 0) return head
  const end = head.endsWith('\n') ? '' : '\n'
  return `${head}${end}${omittedLine(omitted)}\n${tail}`
}

/** The line that stands for output that is not kept. */
function omittedLine(omitted: number): string {
  return `[${omitted} bytes of output are left out here]`
}
