import { Future, type Task } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import { LimitOverrunError, type StreamReader } from '@tasktree/streams'
import { StringDecoder } from 'node:string_decoder'

/**
 * One line that a program has written, and the name of the output to which it wrote the line. In a template string, or
 * with `+`, the object becomes the text of the line. A command of `$` does not take the object: pass `line.text`.
 *
 * @example
 *     for await (const line of $`sh -c ${'echo out; sleep 0.1; echo err >&2'}`) {
 *       console.log(line.from, line.text) // stdout out, then stderr err
 *     }
 */
export class OutputLine {
  /** @internal the name that users see; without it, a bundler may rename the class to `_OutputLine` */
  static readonly name: string = 'OutputLine'

  readonly from: 'stdout' | 'stderr'
  /** The line without its line end. */
  readonly text: string

  /** @internal */
  constructor(from: 'stdout' | 'stderr', text: string) {
    this.from = from
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/** One of the outputs that are read together. */
export interface LineSource {
  readonly from: 'stdout' | 'stderr'
  readonly reader: StreamReader
  /** Called with each chunk that was read. */
  onChunk?(chunk: Buffer): void
}

/**
 * Yields the lines of several outputs in the order in which they come. A line ends with `\n`, `\r\n` or `\r`, since
 * progress bars end their lines with `\r`. An output is read only as fast as the caller takes its lines.
 *
 * @throws {LimitOverrunError} for a line that is longer than the limit of its reader
 */
export async function* interleaveLines(
  sources: readonly LineSource[],
): AsyncGenerator<OutputLine, void> {
  let lines: OutputLine[] = []
  let wake: Future<void> | null = null
  const notify = (): void => {
    if (wake?.done() === false) wake.setResult()
  }
  const drained = new Map<LineSource, Future<void>>()
  const read = async (source: LineSource): Promise<void> => {
    const splitter = new LineSplitter(source.reader.limit)
    for (;;) {
      const chunk = await source.reader.read(65_536)
      source.onChunk?.(chunk)
      const before = lines.length
      const texts = chunk.length === 0 ? splitter.end() : splitter.push(chunk)
      for (const text of texts) lines.push(new OutputLine(source.from, text))
      if (chunk.length === 0) return
      if (lines.length === before) continue
      const taken = new Future<void>()
      drained.set(source, taken)
      notify()
      await taken
    }
  }
  const tasks: Task<void>[] = sources.map((source) =>
    createServiceTask(() => read(source), { name: `lines of ${source.from}` }),
  )
  for (const task of tasks) task.addDoneCallback(notify)
  try {
    for (;;) {
      while (lines.length > 0) {
        // The whole array is taken, because `shift` of a long array would copy all items that are left.
        const taken = lines
        lines = []
        yield* taken
      }
      const failed = tasks.find((task) => task.done() && task.exception() !== null)
      if (failed !== undefined) await failed
      for (const [source, taken] of drained) {
        drained.delete(source)
        if (!taken.done()) taken.setResult()
      }
      if (lines.length > 0) continue
      if (tasks.every((task) => task.done())) return
      wake = new Future<void>()
      await wake
    }
  } finally {
    for (const task of tasks) task.cancel()
  }
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * Splits the output of a program into lines, however the output is divided into chunks.
 *
 * The bytes are searched for line ends, and not their text, because `limit` is a number of bytes. A line is decoded as
 * UTF-8 when all of it is there, so a character that two chunks share stays whole.
 */
class LineSplitter {
  readonly #limit: number
  readonly #decoder = new StringDecoder('utf8')
  /** The parts of a line whose end has not come yet. */
  #parts: Buffer[] = []
  /** How many bytes `#parts` has. */
  #length = 0
  /** True when the last line ended with a `\r`. A `\n` that follows belongs to the same line end. */
  #afterReturn = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Yields the lines whose ends are in `chunk`.
   *
   * @throws {LimitOverrunError} for a line that is too long, after the lines before it were yielded
   */
  *push(chunk: Buffer): Iterable<string> {
    let start = 0
    let nextFeed = chunk.indexOf(LINE_FEED)
    let nextReturn = chunk.indexOf(CARRIAGE_RETURN)
    while (nextFeed !== -1 || nextReturn !== -1) {
      const isFeed = nextReturn === -1 || (nextFeed !== -1 && nextFeed < nextReturn)
      const at = isFeed ? nextFeed : nextReturn
      this.#keep(chunk.subarray(start, at))
      const isSameEnd = isFeed && this.#afterReturn && this.#length === 0
      if (!isSameEnd) yield this.#take()
      this.#afterReturn = !isFeed
      start = at + 1
      if (isFeed) nextFeed = chunk.indexOf(LINE_FEED, start)
      else nextReturn = chunk.indexOf(CARRIAGE_RETURN, start)
    }
    this.#keep(chunk.subarray(start))
  }

  /** Yields the last line, if it has no line end. */
  *end(): Iterable<string> {
    if (this.#length > 0) yield this.#take()
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#parts.push(part)
    this.#length += part.length
    if (this.#length <= this.#limit) return
    throw new LimitOverrunError(
      `a line has more than ${this.#limit} bytes: give a larger limit`,
      this.#length,
    )
  }

  /** Returns the line whose parts are kept, and forgets them. */
  #take(): string {
    let line = ''
    // The parts are decoded one by one. To join the bytes of a long line first would need its memory twice.
    for (const part of this.#parts) line += this.#decoder.write(part)
    line += this.#decoder.end()
    this.#parts = []
    this.#length = 0
    return line
  }
}
