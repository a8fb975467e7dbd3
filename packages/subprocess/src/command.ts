import { Future, isCancelled, RuntimeError, shield, type Task } from '@tasktree/core'
import {
  createServiceTask,
  currentFrame,
  describe,
  hasFailed,
  observe,
} from '@tasktree/core/lowlevel'
import { StreamReader } from '@tasktree/streams'
import { CalledProcessError, type CompletedProcess } from './errors.ts'
import { DEVNULL, ownOptions, PIPE } from './options.ts'
import { interleaveLines, type OutputLine } from './interleave-lines.ts'
import { checkRun, type RunOptions, runToEnd } from './run.ts'
import { start } from './spawn.ts'
import { Stage } from './pipe-stage.ts'
import { type CommandValue, toArgs } from './template.ts'
import { reportUnlessAwaited } from './unawaited.ts'

export type CommandOptions = Omit<RunOptions, 'encoding'>

export interface Dollar {
  /**
   * Makes a command of a program and its arguments. The program is started without a shell. White space divides the
   * template into words, and quotes keep white space in a word, as in a shell, but nothing is expanded. Each `${}` is
   * one argument whatever it contains; an array is one argument for each of its items. Text that touches a `${}`
   * becomes a part of the argument: `--name=${name}`.
   *
   * Escapes are those of JavaScript, as in zx and execa: `\n` is a newline, also within quotes, and `\\` is a backslash.
   *
   * @throws {TypeError} for a value in `${}` that is not a string, a number, a bigint or an array of these; for an
   * escape that JavaScript does not know; for a template without a program; for a NUL byte; and for wrong options
   * @throws {RangeError} for a quotation that is not closed, and for options whose value is out of range
   *
   * @example
   *     const path = 'a file'
   *     console.log(await $`printf %s-%s ${1} ${path}`.text()) // 1-a file
   */
  (strings: TemplateStringsArray, ...values: CommandValue[]): Command
  /** Returns a `$` whose commands have these options besides the options of this `$`: `$({ cwd: '/' })`ls``. */
  (options: CommandOptions): Dollar
}

/**
 * Runs programs. A template makes a command, which starts in the next turn of the loop, and resolves with the same
 * result as `run`. If the task that awaits the command is cancelled, the program is ended.
 *
 * @example
 *     const name = "it's a file; no shell sees this"
 *     console.log(await $`printf %s ${name}`.text()) // it's a file; no shell sees this
 */
export const $: Dollar = dollar({})

function dollar(options: CommandOptions): Dollar {
  function tag(strings: TemplateStringsArray, ...values: CommandValue[]): Command
  function tag(more: CommandOptions): Dollar
  function tag(
    first: TemplateStringsArray | CommandOptions,
    ...values: CommandValue[]
  ): Command | Dollar {
    if (isTemplate(first)) return new Command(toArgs(first, values), options)
    if (typeof first !== 'object' || first === null)
      throw new TypeError(`$ takes a template or options, got ${describe(first)}`)
    return dollar({ ...options, ...first })
  }
  return tag
}

function isTemplate(first: unknown): first is TemplateStringsArray {
  return Array.isArray(first) && 'raw' in first
}

/**
 * A command that `$` has made: a promise of the same result as `run` gives.
 *
 * An exit code other than 0 makes the command fail only with the option `check`, in `text()`, and in the loops over
 * lines. A command that fails and is never awaited is reported to the exception handler of its loop: when the command
 * is collected as garbage, when the run of its loop ends, or when this process ends, whichever comes first. The exit
 * code of this process is then 1, unless `process.exitCode` was set to another code than 0.
 *
 * After `pipe`, the next command starts this command; in a loop over its lines, the loop does. Awaiting this command
 * then starts nothing. The `await` gives the result of this command once its program has ended. In that result `stdout`
 * is empty, because the output went to the next command or to the loop. If the loop is left before its first step, the
 * program never starts, and the command counts as cancelled.
 *
 * @example
 *     const sorted = $`printf ${'b\\na\\n'}`.pipe($`sort`)
 *     for await (const line of sorted.lines()) console.log(line) // a, then b
 */
export class Command implements Promise<CompletedProcess> {
  /** @internal the name that users see; without it, a bundler may rename the class to `_Command` */
  static readonly name: string = 'Command'

  readonly args: readonly string[]
  readonly #options: CommandOptions
  readonly #task: Task<CompletedProcess>
  /**
   * A future of the result of this command. Used if a pipe, or a loop over lines, runs the command; null if the command
   * runs by itself.
   */
  #ofStage: Future<CompletedProcess> | null = null
  #started = false
  #isAwaited = false
  #takeBackReport = (): void => {}
  /** The command whose output is piped into this command; null if there is none. */
  #source: Command | null = null

  /** @internal use `$` */
  constructor(args: readonly [program: string, ...args: string[]], options: CommandOptions) {
    const [program, ...rest] = args
    checkRun(program, rest, options)
    this.args = args
    this.#options = ownOptions(options)
    // The code of the task begins only after the current statement, because that statement may still call `pipe` or
    // `lines`.
    const task = createServiceTask(() => this.#run(), { name: `$ ${program}` })
    this.#task = task
    observe(task, () => this.#onTaskEnd())
  }

  get [Symbol.toStringTag](): string {
    return 'Command'
  }

  // oxlint-disable-next-line unicorn/no-thenable -- this method makes a command awaitable
  then<R = CompletedProcess, E = never>(
    onFulfilled?: ((value: CompletedProcess) => R | PromiseLike<R>) | null,
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return this.#result().then(onFulfilled, onRejected)
  }

  catch<E = never>(
    onRejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<CompletedProcess | E> {
    return this.#result().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<CompletedProcess> {
    return this.#result().finally(onFinally)
  }

  #result(): Future<CompletedProcess> {
    this.#isAwaited = true
    this.#takeBackReport()
    // In a cancelled scope, awaiting a task throws but does not cancel the task. The command must end together with the
    // code that awaits it, so the task of the command is cancelled here.
    if (currentFrame()?.isLevelCancelled() === true) this.#task.cancel()
    // `shield` gives each waiter a separate future, because a cancel of one waiter must not end the wait of others.
    return this.#ofStage === null ? this.#task : shield(this.#ofStage)
  }

  #onTaskEnd(): void {
    if (this.#ofStage !== null || !hasFailed(this.#task)) return
    const exception = this.#task.exception()
    if (this.#isAwaited) return
    this.#takeBackReport = reportUnlessAwaited(
      this,
      this.#task.name,
      exception,
      this.#task.getLoop(),
    )
  }

  /**
   * Waits for the end of the program, and returns the text that the program has written to stdout.
   *
   * @throws {CalledProcessError} for a code other than 0
   * @throws {TypeError} when the option `stdout` or `stdio` has given stdout another place
   */
  async text(): Promise<string> {
    this.#checkReadable('text')
    const completed = await this
    if (completed.returncode !== 0) throw new CalledProcessError(completed)
    return completed.stdout.toString()
  }

  /**
   * Yields the lines of stdout as they come, without line ends. The program starts when the first line is requested,
   * and is slowed down to the speed of the loop. Leaving the loop ends the program. A line may have as many bytes as the
   * option `limit` says.
   *
   * @throws {CalledProcessError} after the last line, for a code other than 0
   * @throws {LimitOverrunError} for a line that is longer than `limit`
   * @throws {RuntimeError} when the command has started, or a pipe or another loop runs it
   * @throws {TypeError} when the option `stdout` or `stdio` has given stdout another place
   */
  lines(): AsyncIterable<string> {
    this.#take('lines')
    return this.#whenLeft(this.#lines())
  }

  /**
   * Yields the lines of stdout and stderr as they come, each with the name of its output, for example to show progress.
   * A `\r` ends a line too, because programs draw their progress bars with it. In all other respects this loop works
   * like a loop over `lines()`.
   *
   * @throws as `lines`
   *
   * @example
   *     for await (const { from, text } of $`echo hello`) console.log(from, text) // stdout hello
   */
  [Symbol.asyncIterator](): AsyncGenerator<OutputLine, void> {
    this.#take('for await')
    return this.#whenLeft(this.#interleaved())
  }

  /**
   * Sends stdout to `next`, as `|` does in a shell, and returns `next`. The result of a pipe is the result of its last
   * command. Each command with the option `check` must end with 0, unless the next command has stopped reading before
   * the end.
   *
   * @throws {RuntimeError} when this command or `next` has started, when another command is piped into `next`, and when
   * `next` is this command
   * @throws {TypeError} when `next` is not a command of `$`, and when the options have given stdout of this command, or
   * stdin of `next`, another place
   */
  pipe(next: Command): Command {
    if (!(next instanceof Command))
      throw new TypeError(`pipe takes another command of $, got ${describe(next)}`)
    if (next.#started || next.#source !== null || next === this) {
      throw new RuntimeError(
        `cannot pipe into ${next.args[0]}: ${next.#started ? 'it has started' : 'it has a source'}`,
      )
    }
    const { input, stdin, stdio } = next.#options
    if (input !== undefined || stdin !== undefined || stdio !== undefined)
      throw new TypeError(`cannot pipe into ${next.args[0]}: it was given its stdin`)
    this.#take('pipe')
    next.#source = this
    // If `next` is cancelled before its first step, `next` never starts the commands before it. So these commands are
    // cancelled here.
    observe(next.#task, (task) => {
      if (next.#ofStage === null && task.cancelled()) this.#cancelStages()
    })
    return next
  }

  /** Cancels the results of this command and of the commands before it, if they have no result yet. */
  #cancelStages(): void {
    this.#ofStage?.cancel()
    if (this.#source !== null) this.#source.#cancelStages()
  }

  /** Called when a pipe or a loop takes over this command. From then on, the command does not start by itself. */
  #take(what: string): void {
    if (this.#started)
      throw new RuntimeError(`${what}() of ${this.args[0]} came too late: it has started`)
    this.#checkReadable(what)
    this.#started = true
    this.#ofStage = new Future()
    // If code awaits the command already, that code waits for the task. The task then goes on, and `#run` gives it the
    // result of `#ofStage`.
    if (!this.#isAwaited) this.#task.cancel()
  }

  #checkReadable(what: string): void {
    const { stdout, stdio } = this.#options
    if (stdio === undefined && (stdout === undefined || stdout === PIPE)) return
    throw new TypeError(
      `${what} needs the stdout of ${this.args[0]}, which was given another place`,
    )
  }

  async #run(): Promise<CompletedProcess> {
    if (this.#ofStage !== null) return shield(this.#ofStage)
    this.#started = true
    const [program = '', ...args] = this.args
    const source = await this.#startSource()
    if (source === null) return runToEnd(program, args, this.#options)
    await using _ = source
    const completed = await runToEnd(program, args, { ...this.#options, stdin: source.output })
    await source.finish()
    return completed
  }

  /**
   * Returns `lines`, the lines of this command, changed so that leaving the loop cancels the result of this command, if
   * the command has no result yet. The change is needed when a loop is left before its first step: the generator then
   * runs none of its code, so the program never starts, and no other code gives the command a result.
   */
  #whenLeft<T>(lines: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
    const leave = lines.return.bind(lines)
    const fail = lines.throw.bind(lines)
    const cancel = (): void => this.#cancelStages()
    lines.return = (value) => leave(value).finally(cancel)
    lines.throw = (reason) => fail(reason).finally(cancel)
    return lines
  }

  async *#lines(): AsyncGenerator<string, void> {
    const source = await this.#startSourceOfStage()
    await using _ = source
    await using stage = await this.#start(source, false)
    yield* stage.output.lines()
    await this.#finish(stage)
  }

  async *#interleaved(): AsyncGenerator<OutputLine, void> {
    const source = await this.#startSourceOfStage()
    await using _ = source
    await using stage = await this.#start(source, true)
    yield* interleaveLines(stage.sources())
    await this.#finish(stage)
  }

  /** Ends a loop over lines. In a loop, a code other than 0 is a failure even without `check`. */
  async #finish(stage: Stage): Promise<void> {
    await stage.finish()
    if (this.#options.check !== true) stage.check()
  }

  async #startSource(): Promise<Stage | null> {
    const source = this.#source
    if (source === null) return null
    const before = await source.#startSourceOfStage()
    try {
      return await source.#start(before, false)
    } catch (error) {
      await before?.[Symbol.asyncDispose]()
      throw error
    }
  }

  /**
   * Starts the command that is piped into this command; returns null if there is none. If the start fails, this command
   * never starts, and fails with the same error.
   */
  async #startSourceOfStage(): Promise<Stage | null> {
    try {
      return await this.#startSource()
    } catch (error) {
      this.#failStage(error)
      throw error
    }
  }

  /** Starts the program of this command, for the next command of a pipe or for a loop, which reads its output. */
  async #start(source: Stage | null, readsErrors: boolean): Promise<Stage> {
    const { input, maxBuffer: _, check = false, ...spawning } = this.#options
    const [program = '', ...args] = this.args
    let stdin: RunOptions['stdin'] = source?.output ?? spawning.stdin ?? DEVNULL
    if (input !== undefined) {
      stdin = new StreamReader()
      stdin.feedData(input)
      stdin.feedEof()
    }
    try {
      const child = await start(program, args, {
        ...spawning,
        stdin,
        stdout: PIPE,
        stderr: spawning.stderr ?? PIPE,
      })
      const command = { ended: this.#onStageEnd }
      return new Stage(child, { args: this.args, check, source, command, readsErrors })
    } catch (error) {
      this.#failStage(error)
      throw error
    }
  }

  readonly #onStageEnd = (completed: CompletedProcess, wasRead: boolean): void => {
    const isFailure = this.#options.check === true && wasRead && completed.returncode !== 0
    if (isFailure) this.#failStage(new CalledProcessError(completed))
    else if (this.#ofStage?.done() === false) this.#ofStage.setResult(completed)
  }

  /**
   * Makes the result of this command fail. The pipe or the loop throws the same error. So the error is marked as read
   * here, and is not reported again if this command is never awaited.
   */
  #failStage(error: unknown): void {
    const result = this.#ofStage
    if (result === null || result.done()) return
    if (isCancelled(error)) {
      result.cancel(error)
      return
    }
    result.setException(error)
    result.exception()
  }
}
