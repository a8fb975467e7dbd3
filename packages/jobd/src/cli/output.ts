import { readFileSync } from 'node:fs'
import { visible } from '../log/server-log.ts'
import { Failure } from './failure.ts'

/** Prints a text of this program's own. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Prints a text that comes from a job or a client: it must not steer the terminal. */
export function printForeign(text: string): void {
  print(visible(text))
}

/** Prints a value for programs. JSON leaves the control characters above 127 as they are; a terminal may obey them. */
export function printJson(value: unknown): void {
  const json = JSON.stringify(value)
  print(
    json.replaceAll(
      /[\u007F-\u009F]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  )
}

/** The text of a file that holds a secret, without the line end that editors add. @throws {Failure} when it cannot be read */
export function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
