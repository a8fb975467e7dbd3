import { describeError } from './describe-error.ts'

/**
 * The longest result of a job or a step, in characters. A longer result of a job would not fit into the answer that
 * describes the job, and a longer result of a step would hold up the store, which all jobs share.
 */
const longest = 1_048_576

/** The result of a job as it is stored in the jobs' file. */
export interface StoredResult {
  readonly text: string | null
  /** Whether the text is plain text or JSON; null if there is no result. */
  readonly type: 'text' | 'json' | null
}

/** Encodes the result of a kind's `run` for the jobs' file. @throws {TypeError} for a value that cannot be stored */
export function storeResult(value: unknown): StoredResult {
  if (value === undefined) return { text: null, type: null }
  const stored: StoredResult =
    typeof value === 'string'
      ? { text: value, type: 'text' }
      : { text: toJson('the result', value), type: 'json' }
  checkLength('the result', stored.text ?? '')
  return stored
}

/** @throws {TypeError} for a text that is too long */
function checkLength(what: string, { length }: string): void {
  if (length <= longest) return
  throw new TypeError(
    `${what} cannot be stored: it has ${length} characters, ${longest} are the most`,
  )
}

/** Encodes a value as JSON. @throws {TypeError} for a value that JSON cannot hold */
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

/**
 * Encodes the result of a step for the jobs' file: JSON, or an empty text for undefined.
 *
 * @throws {TypeError} for a value that JSON cannot hold, or that is too long as JSON
 */
export function storeStep(name: string, value: unknown): string {
  if (value === undefined) return ''
  const what = `the result of step '${name}'`
  const text = toJson(what, value)
  checkLength(what, text)
  return text
}

export function readStep(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}
