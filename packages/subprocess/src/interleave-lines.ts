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

/** Splits text into lines, however the text is divided into chunks. */
class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  readonly #limit: number
  #rest = ''
  /** True when the last character was a `\r`, which ended a line. A `\n` that follows belongs to the same line end. */
  #afterReturn = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Yields the lines whose ends are in `chunk`.
   *
   * @throws {LimitOverrunError} for a line that is too long, after the lines before it were yielded
   */
  push(chunk: Buffer): Iterable<string> {
    return this.#split(this.#decoder.write(chunk))
  }

  /** Yields the last line, if it has no line end. */
  *end(): Iterable<string> {
    yield* this.#split(this.#decoder.end())
    if (this.#rest !== '') yield this.#rest
    this.#rest = ''
  }

  *#split(text: string): Iterable<string> {
    if (text === '') return
    const start = this.#afterReturn && text.startsWith('\n') ? 1 : 0
    this.#afterReturn = text.endsWith('\r')
    // Only the new text is searched for line ends, so that the beginning of a long line is not searched again and
    // again.
    const pieces = text.slice(start).split(/\r\n|\n|\r/)
    const last = pieces.pop() as string
    for (const piece of pieces) {
      yield this.#checked(this.#rest + piece)
      this.#rest = ''
    }
    this.#rest = this.#checked(this.#rest + last)
  }

  #checked(line: string): string {
    if (line.length <= this.#limit) return line
    throw new LimitOverrunError(
      `a line has more than ${this.#limit} characters: give a larger limit`,
      line.length,
    )
  }
}
