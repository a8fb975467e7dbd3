/** Where a job was submitted; the text is made when it is read. */
export interface SubmitStack {
  readonly stack?: string
}

const stackDepth = 8

/** The frames above `caller`, without the cost of their text: only an error needs that. */
export function captureStack(caller: (...args: never[]) => unknown): SubmitStack {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = stackDepth
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, caller)
  Error.stackTraceLimit = limit
  return holder
}

export function stackText(submitted: SubmitStack): string {
  return (submitted.stack ?? '').split('\n').slice(1).join('\n')
}
