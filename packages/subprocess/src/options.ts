import { constants } from 'node:os'

/** A pipe of its own. */
export const PIPE = 'pipe'
/** For stderr: the same as stdout. */
export const STDOUT = 'stdout'
/** Nothing: reads end at once, what is written is dropped. */
export const DEVNULL = 'ignore'

export type Stdio = typeof PIPE | typeof DEVNULL | 'inherit' | number

export interface SpawnOptions {
  /** @defaultValue 'inherit' */
  stdin?: Stdio
  /** @defaultValue 'inherit' */
  stdout?: Stdio
  /** @defaultValue 'inherit' */
  stderr?: Stdio | typeof STDOUT
  cwd?: string
  env?: Record<string, string | undefined>
  /** The readers' limit, in bytes. @defaultValue 65536 */
  limit?: number
  /** Ends the process when it aborts. */
  signal?: AbortSignal
  /** A process group of its own, so that its children die with it. @defaultValue unless it shares the terminal's stdin */
  processGroup?: boolean
  /** Milliseconds from SIGTERM to SIGKILL. @defaultValue 5000 */
  killGrace?: number
  /** The shell of createSubprocessShell. @defaultValue /bin/sh */
  shell?: string
}

export function checkProgram(program: string, args: readonly string[]): void {
  if (typeof program !== 'string' || program === '') {
    throw new TypeError(`the program must be a non-empty string, got ${JSON.stringify(program)}`)
  }
  for (const text of [program, ...args]) {
    if (typeof text !== 'string')
      throw new TypeError(`arguments must be strings, got ${typeof text}`)
    if (text.includes('\0'))
      throw new TypeError(`an argument holds a NUL byte: ${JSON.stringify(text)}`)
  }
}

/** Python's convention: -N for signal N. */
export function toReturncode(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 0) : -constants.signals[signal]
}
