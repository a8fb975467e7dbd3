import { readFileSync } from 'node:fs'
import { escapeControlCharacters } from '../log/control-characters.ts'
import { Failure } from './failure.ts'

/** Prints a text as it is. A text of a job or a client is printed with `printForeign`. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/**
 * Called when standard output cannot be written. When the reader of a pipe has read enough and closed it, as head does,
 * the program ends without an error. Otherwise the user has not got the output, for example because the disk is full.
 */
export function endWithoutOutput(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`the output cannot be written: ${error.message}\n`)
  process.exit(1)
}

/**
 * Prints a text that comes from a job or a client. Its control characters are escaped, so that it cannot control the
 * terminal.
 */
export function printForeign(text: string): void {
  print(escapeControlCharacters(text))
}

/**
 * Prints a value as JSON, for programs. Also escapes the control characters above 127, because JSON does not, and a
 * terminal may obey them.
 */
export function printJson(value: unknown): void {
  const json = JSON.stringify(value)
  print(
    json.replaceAll(
      /[\u007F-\u009F]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  )
}

/** Reads a secret from a file, without the line ends at its end, which editors add. @throws {Failure} when the file cannot be read */
export function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/[\r\n]+$/, '')
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
