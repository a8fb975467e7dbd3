/** Where a job was submitted. Reading `stack` makes its text, which takes longer than to capture the frames. */
export interface SubmitStack {
  readonly stack?: string
}

/** How many frames are captured. Each costs 0.2 to 0.4 microseconds, which every job pays and only a failed job uses. */
const stackDepth = 4

/** Captures the frames above `caller`. */
export function captureStack(caller: (...args: never[]) => unknown): SubmitStack {
  const holder: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  const isLimited = limitStack(stackDepth)
  Error.captureStackTrace(holder, caller)
  if (isLimited) Error.stackTraceLimit = limit
  return holder
}

/** Sets how many frames a stack has. Returns false if `Error` is frozen, as under `--frozen-intrinsics`; the limit then stays as it is. */
function limitStack(depth: number): boolean {
  try {
    Error.stackTraceLimit = depth
    return true
  } catch {
    return false
  }
}

export function stackText(submitted: SubmitStack): string {
  return (submitted.stack ?? '').split('\n').slice(1).join('\n')
}

/** For submissions whose stack is not captured: the stack of an earlier one, which says that it is. */
export function typicalStack(earlier: SubmitStack): SubmitStack {
  const note = '    (of an earlier job of this function: the stack of this one was not captured)'
  return { stack: `Error\n${note}\n${stackText(earlier)}` }
}
