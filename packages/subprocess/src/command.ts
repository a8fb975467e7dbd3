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
   * Makes a command of a program and its arguments. No shell runs it. Words are divided as a shell divides them, with quotes,
   * but nothing is expanded. Each `${}` is one argument whatever it contains; an array is one argument for each of its items. Text that
   * touches a `${}` becomes a part of the argument: `--name=${name}`.
   *
   * Escapes are those of JavaScript, as in zx and execa: `\n` is a newline, also within quotes, and `\\` is a backslash.
   *
   * @throws {TypeError} for any other value in `${}`, a NUL byte, and wrong options
   * @throws {RangeError} for a quotation that is not closed, and for options whose value is out of range
   *
   * @example
   *     const path = 'a file'
   *     console.log(await $`printf %s-%s ${1} ${path}`.text()) // 1-a file
   */
  (strings: TemplateStringsArray, ...values: CommandValue[]): Command
  /** Returns a `$` whose commands have these options: `$({ cwd: '/' })`ls``. */
  (options: CommandOptions): Dollar
}

/**
 * Runs programs. The command starts in the next turn of the loop, and resolves with the result of `run`. If the task
 * that awaits the command is cancelled, the program is ended.
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
 * A command that `$` has made: a promise of the result of `run`.
 *
 * A code other than 0 makes the command fail only with the option `check`, in `text()`, and in the loops over lines. A
 * command that fails and is never awaited is reported to the exception handler of its loop: when it is collected as
 * garbage, when the run of its loop ends, or when the program ends, whichever comes first. The exit code of the program
 * is then 1, unless the program has set another code than 0.
 *
 * After `pipe`, or in a loop over its lines, the command runs for the next command or for the loop. Awaiting it then
 * starts nothing. It gives the result of the command itself once it has ended, with an empty `stdout`, because its
 * output went to the next command or to the loop. If the loop is left before its first step, the command never starts,
 * and counts as cancelled.
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
  /** The command whose output is piped into this one. */
  #source: Command | null = null

  /** @internal use `$` */
  constructor(args: readonly [program: string, ...args: string[]], options: CommandOptions) {
    const [program, ...rest] = args
    checkRun(program, rest, options)
    this.args = args
    this.#options = ownOptions(options)
    // The task begins after the current statement, which may still call `pipe` or `lines`.
    const task = createServiceTask(() => this.#run(), { name: `$ ${program}` })
    this.#task = task
    observe(task, () => this.#onTaskEnd())
  }

  get [Symbol.toStringTag](): string {
    return 'Command'
  }

  // oxlint-disable-next-line unicorn/no-thenable -- what makes a command awaitable
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
    // code that awaits it.
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
   * Waits for the end of the program, and returns what it has written to stdout.
   *
   * @throws {CalledProcessError} for a code other than 0
   */
  async text(): Promise<string> {
    this.#checkReadable('text')
    const completed = await this
    if (completed.returncode !== 0) throw new CalledProcessError(completed)
    return completed.stdout.toString()
  }

  /**
   * Yields the lines of stdout as they come, without line ends. The program starts when the first line is requested,
   * and is slowed down to the speed of the loop. Leaving the loop ends the program. A line may be as long as the option
   * `limit`.
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
   * Otherwise this works like `lines`, but a `\r` ends a line too, because programs draw their progress bars with it.
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
   * command. Each command with `check` must end with 0, unless the next one has stopped reading before the end.
   *
   * @throws {RuntimeError} when one of the two has started, or `next` has another source
   * @throws {TypeError} when stdout of this command or stdin of `next` was already redirected
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
    // If `next` is cancelled before its first step, it never starts the commands before it, so they are cancelled here.
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
    // Code that awaits the command already has the task, and `#run` gives the task the result of the stage.
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
   * Makes `lines`, the lines of this command, cancel the result of the command when the loop is left before its first
   * step. Then the generator runs none of its code, so the program never starts.
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

  /** Starts the command before this one. If that fails, this command never starts, and fails with the same error. */
  async #startSourceOfStage(): Promise<Stage | null> {
    try {
      return await this.#startSource()
    } catch (error) {
      this.#failStage(error)
      throw error
    }
  }

  /** Starts the command as a stage, whose output another command or a loop reads. */
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
   * Makes the result of this command fail. The pipe or the loop throws the same error, so it is not reported again when
   * this command is never awaited.
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
