import { styleText } from 'node:util'
import { escapeControlCharacters } from '../log/control-characters.ts'

/** A job as the server describes it. */
export type JobRecord = Record<string, string | number | null>

const colours = {
  queued: 'gray',
  running: 'cyan',
  done: 'green',
  failed: 'red',
  cancelled: 'yellow',
  lost: 'magenta',
} as const

/** Returns the name of a state in its colour, or without a colour if the output has none. */
export function paintState(state: string): string {
  return state in colours ? styleText(colours[state as keyof typeof colours], state) : state
}

/** Returns the text that is shown for a value of a record. */
export function textOf(value: string | number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}

/** Returns a text on one line, with its control characters escaped. */
export function oneLine(value: string | number | null | undefined): string {
  return escapeControlCharacters(textOf(value).replaceAll(/[\s\r\n]+/g, ' '))
}
