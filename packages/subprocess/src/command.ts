import { createTask, RuntimeError, type Task } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import { StreamReader } from '@tasktree/streams'
import { CalledProcessError, type CompletedProcess } from './errors.ts'
import { PIPE } from './options.ts'
import { readEnd } from './output.ts'
import type { Process } from './process.ts'
import { checkRun, type RunOptions, runToEnd } from './run.ts'
import { shlex } from './shlex.ts'
import { start } from './spawn.ts'

/** What may stand in `${}`: one argument; an array: one for each of its items. */
export type CommandValue = string | number | bigint | readonly (string | number | bigint)[]

export type CommandOptions = Omit<RunOptions, 'encoding'>

export interface Dollar {
  /**
   * A program and its arguments, run without a shell: the words are told apart as a shell does it, with
   * quotes and backslashes, but nothing is expanded, and each `${}` is one argument whatever it holds; an
   * array is as many as it has items. What touches it becomes part of it: `--name=${name}`.
   *
   * @throws {TypeError} {@link RangeError} for anything else in `${}`, a NUL byte, and wrong options
   *
   * @example
   * await $`git log -n ${5} -- ${path}`
   */
  (strings: TemplateStringsArray, ...values: CommandValue[]): Command
  /** The same with options: `$({ cwd: '/' })`ls``. */
  (options: CommandOptions): Dollar
}

/**
 * Programs without ceremony. It starts in the next turn of the loop and gives what `run` gives; a cancel
 * of the task that awaits it ends it.
 */
export const $: Dollar = dollar({})

function dollar(options: CommandOptions): Dollar {
  function tag(strings: TemplateStringsArray, ...values: CommandValue[]): Command
  function tag(more: CommandOptions): Dollar
  function tag(
    first: TemplateStringsArray | CommandOptions,
    ...values: CommandValue[]
  ): Command | Dollar {
    if (isTemplate(first)) return new Command(toArgs(first.raw, values), options)
    if (typeof first !== 'object' || first === null)
      throw new TypeError(`$ takes a template or options, got ${describe(first)}`)
    return dollar({ ...options, ...first })
  }
  return tag
}

function isTemplate(first: unknown): first is TemplateStringsArray {
  return Array.isArray(first) && 'raw' in first
}

/** A command that `$` has made. Awaiting it gives what `run` gives. */
export class Command implements PromiseLike<CompletedProcess> {
  /** @internal the bundler calls a class that names itself `_Command` */
  static readonly name: string = 'Command'

  readonly args: readonly string[]
  readonly #options: CommandOptions
  readonly #task: Task<CompletedProcess>
  #started = false
  /** What is piped into it. */
  #source: Command | null = null

  /** @internal use `$` */
  constructor(args: readonly string[], options: CommandOptions) {
    const [program = '', ...rest] = args
    checkRun(program, rest, options)
    this.args = args
    this.#options = options
    // Begins after the statement that makes it, which may still say `pipe` or `lines`.
    this.#task = createTask(() => this.#run(), { name: `$ ${args[0]}` })
  }

  // oxlint-disable-next-line unicorn/no-thenable -- what makes a command awaitable
  then<R = CompletedProcess, E = never>(
    onFulfilled?: ((value: CompletedProcess) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return this.#task.then(onFulfilled, onRejected)
  }

  /** What it wrote to its stdout. @throws {CalledProcessError} for any code but 0 */
  async text(): Promise<string> {
    const completed = await this
    if (completed.returncode !== 0) throw new CalledProcessError(completed)
    return completed.stdout.toString()
  }

  /**
   * The lines of its stdout as they come, without their ends. It runs no faster than they are taken, and
   * begins when the first is asked for; leaving the loop ends it. A line may be as long as `limit`.
   *
   * @throws {CalledProcessError} after the last line, for any code but 0
   * @throws {LimitOverrunError} for a longer line
   * @throws {RuntimeError} when it has started
   */
  lines(): AsyncIterable<string> {
    this.#take('lines')
    return this.#lines()
  }

  /**
   * Sends its stdout to `next`, as `|` does, and gives `next`. The result is that of the last; with `check`
   * each of them must end with 0, unless the next has left before it had read all.
   *
   * @throws {RuntimeError} when one of the two has started, or `next` has another source
   */
  pipe(next: Command): Command {
    if (!(next instanceof Command))
      throw new TypeError(`pipe takes another command of $, got ${describe(next)}`)
    if (next.#started || next.#source !== null || next === this) {
      throw new RuntimeError(
        `cannot pipe into ${next.args[0]}: ${next.#started ? 'it has started' : 'it has a source'}`,
      )
    }
    if (next.#options.input !== undefined || next.#options.stdin !== undefined)
      throw new TypeError(`cannot pipe into ${next.args[0]}: it was given its stdin`)
    this.#take('pipe')
    next.#source = this
    return next
  }

  /** Another one will run it. */
  #take(what: string): void {
    if (this.#started)
      throw new RuntimeError(`${what}() of ${this.args[0]} came too late: it has started`)
    this.#started = true
    this.#task.cancel()
  }

  async #run(): Promise<CompletedProcess> {
    this.#started = true
    const [program = '', ...args] = this.args
    const source = await this.#startSource()
    if (source === null) return runToEnd(program, args, this.#options)
    await using _ = source
    const completed = await runToEnd(program, args, { ...this.#options, stdin: source.output })
    await source.finish()
    return completed
  }

  async *#lines(): AsyncGenerator<string, void> {
    const source = await this.#startSource()
    await using _ = source
    await using stage = await this.#start(source)
    yield* stage.output.lines()
    await stage.finish()
    if (this.#options.check !== true) await stage.check()
    await source?.finish()
  }

  async #startSource(): Promise<Stage | null> {
    const source = this.#source
    if (source === null) return null
    const before = await source.#startSource()
    try {
      return await source.#start(before)
    } catch (error) {
      await before?.[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Started with its output for somebody else to read. */
  async #start(source: Stage | null): Promise<Stage> {
    const { input, maxBuffer: _, check = false, ...spawning } = this.#options
    const [program = '', ...args] = this.args
    let stdin: RunOptions['stdin'] = source?.output ?? spawning.stdin ?? 'ignore'
    if (input !== undefined) {
      stdin = new StreamReader()
      stdin.feedData(input)
      stdin.feedEof()
    }
    const child = await start(program, args, {
      ...spawning,
      stdin,
      stdout: PIPE,
      stderr: PIPE,
    })
    return new Stage(child, this.args, check, source)
  }
}

/** A running command whose output is another's input, and all before it. */
class Stage implements AsyncDisposable {
  readonly output: StreamReader
  readonly #child: Process
  readonly #args: readonly string[]
  readonly #check: boolean
  readonly #source: Stage | null
  /** The end of what it says, for the error that tells of it. */
  readonly #said: Task<Buffer>

  constructor(child: Process, args: readonly string[], check: boolean, source: Stage | null) {
    this.output = child.stdout as StreamReader
    this.#child = child
    this.#args = args
    this.#check = check
    this.#source = source
    // In a task of its own: a cancel that found the owner waiting here alone would be lost with it.
    this.#said = createTask(() => readEnd(child.stderr as StreamReader, 65_536), {
      name: `stderr of process ${child.pid}`,
    })
  }

  /** Nobody reads it any more; waits for its end, and that of those before it. */
  async finish(): Promise<void> {
    // Whose reader has left fails in its own way: by SIGPIPE, or saying what it could not write.
    const wasRead = this.output.atEof()
    this.#child.closeOutput()
    await this.#child.wait()
    if (this.#check && wasRead) await this.check()
    await this.#source?.finish()
  }

  async check(): Promise<void> {
    const returncode = this.#child.returncode as number
    if (returncode === 0) return
    const stdout = Buffer.alloc(0)
    const stderr = await this.#said
    throw new CalledProcessError({ args: this.#args, returncode, stdout, stderr })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#said.cancel()
    try {
      await this.#child[Symbol.asyncDispose]()
    } finally {
      await this.#source?.[Symbol.asyncDispose]()
    }
  }
}

/** No argument can hold it, so it can stand for what `${}` holds while the words are told apart. */
const HOLE = '\0'

function toArgs(raw: readonly string[], values: readonly CommandValue[]): string[] {
  if (raw.some((text) => text.includes(HOLE))) throw new TypeError('a command holds a NUL byte')
  const rest = values.map(toWords)
  const args: string[] = []
  for (const word of shlex.split(raw.join(HOLE))) {
    const [start = '', ...texts] = word.split(HOLE)
    const made = [start]
    let isEmpty = texts.length > 0 && start === ''
    for (const text of texts) {
      const [first, ...more] = rest.shift() as string[]
      if (first !== undefined || text !== '') isEmpty = false
      made.push((made.pop() as string) + (first ?? ''), ...more)
      made.push((made.pop() as string) + text)
    }
    if (!isEmpty) args.push(...made)
  }
  if (args.length === 0) throw new TypeError('$ takes a program and its arguments, got nothing')
  return args
}

function toWords(value: CommandValue, index: number): string[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  return items.map((item) => {
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'bigint')
      return String(item)
    throw new TypeError(
      `the ${index + 1}. \${} of a command must be a string, a number or an array of them, got ${describe(item)}`,
    )
  })
}
