import { describe } from '../arguments.ts'

/**
 * Returns the text of `error`, a value that code of the program has thrown. The program may throw a value that has no
 * text, such as `Object.create(null)`: then returns a description of the value. Never throws.
 */
export function errorText(error: unknown): string {
  try {
    return String(error)
  } catch {
    return describe(error)
  }
}
