import { describeError } from './describe-error.ts'

/** A longer result does not fit into the answer that describes a job. Characters. */
const longest = 1_048_576

/** A job's result as the file has it. */
export interface StoredResult {
  readonly text: string | null
  /** How to read the text; null when there is no result. */
  readonly type: 'text' | 'json' | null
}

/** The result of a kind's `run` as it is kept. @throws {TypeError} for a value that cannot be kept */
export function storeResult(value: unknown): StoredResult {
  if (value === undefined) return { text: null, type: null }
  const stored: StoredResult =
    typeof value === 'string'
      ? { text: value, type: 'text' }
      : { text: toJson('the result', value), type: 'json' }
  if ((stored.text?.length ?? 0) > longest)
    throw new TypeError(
      `the result cannot be stored: it has ${stored.text?.length} characters, ${longest} are the most`,
    )
  return stored
}

/** A value as JSON. @throws {TypeError} for a value that JSON cannot hold */
function toJson(what: string, value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new TypeError(`${what} cannot be stored: ${describeError(error)}`, { cause: error })
  }
  if (text === undefined) throw new TypeError(`${what} cannot be stored: it is a ${typeof value}`)
  return text
}

/** The result of a step as it is kept: JSON, or an empty text for undefined. @throws {TypeError} */
export function storeStep(name: string, value: unknown): string {
  return value === undefined ? '' : toJson(`the result of step '${name}'`, value)
}

export function readStep(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}
