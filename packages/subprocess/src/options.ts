import { checkOptions, describe } from '@tasktree/core/lowlevel'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import { constants } from 'node:os'

/** A pipe of its own. */
export const PIPE = 'pipe'
/** For stderr: the same as stdout. */
export const STDOUT = 'stdout'
/** Nothing: reads end at once, what is written is dropped. */
export const DEVNULL = 'ignore'

/** Where a standard stream leads: a pipe, nowhere, the parent's own, or a file descriptor. */
export type Stdio = typeof PIPE | typeof DEVNULL | 'inherit' | number

/** Milliseconds from SIGTERM to SIGKILL. */
export const defaultKillGrace = 5_000

export interface SpawnOptions {
  /** A StreamReader is copied to the process until its end. @defaultValue 'inherit' */
  stdin?: Stdio | StreamReader | undefined
  /** What comes is written to a StreamWriter, which is not closed. @defaultValue 'inherit' */
  stdout?: Stdio | StreamWriter | undefined
  /** @defaultValue 'inherit' */
  stderr?: Stdio | StreamWriter | typeof STDOUT | undefined
  cwd?: string | undefined
  /** The whole environment. @defaultValue the parent's */
  env?: Record<string, string | undefined> | undefined
  /** The readers' limit, in bytes. @defaultValue 65536 */
  limit?: number | undefined
  /** Ends the process when it aborts; who waits for it gets a CancelledError. */
  signal?: AbortSignal | undefined
  /** Milliseconds from its start until it is ended; who waits for it gets a TimeoutExpired. @defaultValue no limit */
  timeout?: number | undefined
  /**
   * A process group of its own, so that what it starts dies with it.
   *
   * @defaultValue true, unless it shares the terminal's stdin: then it needs the terminal's own group to read from it
   */
  processGroup?: boolean | undefined
  /** Milliseconds from SIGTERM to SIGKILL. @defaultValue 5000 */
  killGrace?: number | undefined
  /** The shell of `createSubprocessShell`. @defaultValue '/bin/sh' */
  shell?: string | undefined
}

/** Everything is checked before anything runs. */
export function checkSpawn(program: string, args: readonly string[], options: SpawnOptions): void {
  if (typeof program !== 'string' || program === '')
    throw new TypeError(`the program must be a non-empty string, got ${describe(program)}`)
  if (!Array.isArray(args))
    throw new TypeError(`the arguments must be an array of strings, got ${describe(args)}`)
  for (const text of [program, ...args]) checkText('an argument', text)
  checkOptions(options)
  const { stdin, stdout, stderr, cwd, env, processGroup, shell, limit } = options
  if (!isStdio(stdin) && !(stdin instanceof StreamReader))
    throw new TypeError(`stdin must be ${places} or a StreamReader, got ${describe(stdin)}`)
  if (!isStdio(stdout) && !(stdout instanceof StreamWriter))
    throw new TypeError(`stdout must be ${places} or a StreamWriter, got ${describe(stdout)}`)
  if (!isStdio(stderr) && !(stderr instanceof StreamWriter) && stderr !== STDOUT) {
    throw new TypeError(
      `stderr must be ${places}, STDOUT or a StreamWriter, got ${describe(stderr)}`,
    )
  }
  if (cwd !== undefined) checkText('cwd', cwd)
  if (shell !== undefined) checkText('shell', shell)
  if (env !== undefined && (typeof env !== 'object' || env === null))
    throw new TypeError(`env must be an object with the variables, got ${describe(env)}`)
  for (const [name, value] of Object.entries(env ?? {})) {
    checkText('a name in env', name)
    if (value !== undefined) checkText(`env.${name}`, value)
  }
  if (processGroup !== undefined && typeof processGroup !== 'boolean')
    throw new TypeError(`processGroup must be a boolean, got ${describe(processGroup)}`)
  checkDuration('timeout', options.timeout)
  checkDuration('killGrace', options.killGrace)
  // Here, and not when the process runs.
  void new StreamReader({ limit })
}

const places = "PIPE, DEVNULL, 'inherit', a file descriptor"

function isStdio(value: unknown): boolean {
  if (value === undefined || value === PIPE || value === DEVNULL || value === 'inherit') return true
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

function checkText(what: string, text: unknown): void {
  if (typeof text !== 'string')
    throw new TypeError(`${what} must be a string, got ${describe(text)}`)
  if (text.includes('\0')) throw new TypeError(`${what} holds a NUL byte: ${JSON.stringify(text)}`)
}

/** Milliseconds; Infinity is no limit. */
export function checkDuration(name: string, ms: unknown): void {
  if (ms === undefined) return
  if (typeof ms !== 'number' || Number.isNaN(ms))
    throw new TypeError(`${name} must be a number of milliseconds, got ${describe(ms)}`)
  if (ms < 0) throw new RangeError(`${name} must be 0 ms or more, got ${ms}`)
}

/** Python's convention: -N for signal N. */
export function toReturncode(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 0) : -constants.signals[signal]
}
