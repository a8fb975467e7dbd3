/**
 * The stack of a job's submission. The engine makes the text of `stack` when it is first read, because making the text
 * takes longer than capturing the frames.
 */
export interface SubmitStack {
  readonly stack?: string
}

/**
 * How many frames are captured. Each frame costs 0.2 to 0.4 microseconds for every job, although only failed jobs use
 * them.
 */
const stackDepth = 4

/** Captures the stack frames above the function `caller`. */
export function captureStack(caller: (...args: never[]) => unknown): SubmitStack {
  const holder: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  const isLimited = limitStack(stackDepth)
  Error.captureStackTrace(holder, caller)
  if (isLimited) Error.stackTraceLimit = limit
  return holder
}

/**
 * Sets how many frames a stack has. Returns false if `Error` is frozen, as under `--frozen-intrinsics`; then the limit
 * does not change.
 */
function limitStack(depth: number): boolean {
  try {
    Error.stackTraceLimit = depth
    return true
  } catch {
    return false
  }
}

/**
 * After this many jobs of a function without a failure, submissions no longer capture their stacks. A capture takes 2
 * to 4 microseconds, a tenth of a small job, and only a failed job uses the stack.
 */
const trusted = 1_000

/** The stacks of the submissions of one function. */
export class SubmitStacks {
  #succeeded = 0
  #hasFailed = false
  #typical: SubmitStack | null = null

  /**
   * Captures the stack frames above the function `caller`. If many jobs have succeeded and none has failed, returns the
   * stack of an earlier submission instead.
   */
  capture(caller: (...args: never[]) => unknown): SubmitStack {
    return this.#typical ?? captureStack(caller)
  }

  /** Called when the job that was submitted at `submitted` has succeeded. */
  noteSuccess(submitted: SubmitStack): void {
    if (this.#hasFailed || ++this.#succeeded !== trusted) return
    this.#typical = typicalStack(submitted)
  }

  /** Called when a job has failed. From now on, all submissions capture their stacks. */
  noteFailure(): void {
    this.#hasFailed = true
    this.#typical = null
  }
}

export function stackText(submitted: SubmitStack): string {
  return (submitted.stack ?? '').split('\n').slice(1).join('\n')
}

/**
 * Returns a replacement for a stack that is not captured: the stack of an earlier submission, with a note that says so.
 */
function typicalStack(earlier: SubmitStack): SubmitStack {
  const note = '    (of an earlier job of this function: the stack of this one was not captured)'
  return { stack: `Error\n${note}\n${stackText(earlier)}` }
}
