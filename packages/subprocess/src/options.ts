import { checkOptions, describe } from '@tasktree/core/lowlevel'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import { fileURLToPath } from 'node:url'

/** The stream is a pipe between the process and this program. */
export const PIPE = 'pipe'
/** For stderr: the stream goes to the same place as stdout. */
export const STDOUT = 'stdout'
/** The stream is connected to nothing: a read gets the end at once, and written bytes are dropped. */
export const DEVNULL = 'ignore'

/** What a standard stream is connected to: a pipe, nothing, the same stream of the parent, or a file descriptor. */
export type Stdio = typeof PIPE | typeof DEVNULL | 'inherit' | number

/** Milliseconds from SIGTERM to SIGKILL. */
export const defaultKillGrace = 5_000
/** The largest number that fits into the C type of a file descriptor. Node aborts the program for a larger one. */
const LAST_DESCRIPTOR = 2 ** 31 - 1

export interface SpawnOptions {
  /**
   * What stdin is connected to. A StreamReader is copied to the process until the reader ends.
   *
   * @defaultValue 'inherit'; DEVNULL for `run` and `$`; PIPE for ManagedProcess
   */
  stdin?: Stdio | StreamReader | undefined
  /**
   * What stdout is connected to. With a StreamWriter, the output is copied to the writer, which stays open.
   *
   * @defaultValue 'inherit'; PIPE for `run` and `$`, and for a ManagedProcess with `onStdout` or `ready`
   */
  stdout?: Stdio | StreamWriter | undefined
  /**
   * What stderr is connected to.
   *
   * @defaultValue 'inherit'; PIPE for `run` and `$`, and for a ManagedProcess with `onStderr` or `ready`
   */
  stderr?: Stdio | StreamWriter | typeof STDOUT | undefined
  /**
   * 'inherit' gives the process the terminal, in place of `stdin`, `stdout` and `stderr`: for editors, REPLs, ssh and
   * sudo. Until the process has ended, Ctrl-C only reaches the process: this program, including `run` of core, gets no
   * SIGINT.
   */
  stdio?: 'inherit' | undefined
  /** A path, or a URL that begins with `file:`. @defaultValue the folder of the parent */
  cwd?: string | URL | undefined
  /** All environment variables of the process. @defaultValue the environment of the parent */
  env?: Record<string, string | undefined> | undefined
  /**
   * The longest line that the readers of stdout and stderr can read, in bytes without the `\n`. When a reader buffers
   * more than twice the limit, it pauses its pipe. `Infinity` means no limit.
   *
   * @defaultValue 65536
   */
  limit?: number | undefined
  /** A signal that ends the process when it aborts. A call that waits for the process then throws CancelledError. */
  signal?: AbortSignal | undefined
  /**
   * After this many milliseconds the process is ended, and each `wait`, `communicate` or `run` that waits for it, and each
   * command of `$`, throws TimeoutExpired. If the process has exited by then, but such a call still reads the output of a
   * grandchild, the call throws TimeoutExpired too. The calls of a ManagedProcess do not throw it.
   *
   * @defaultValue no limit
   */
  timeout?: number | undefined
  /**
   * Whether the process gets a new process group. Then the processes that it starts are ended together with it.
   *
   * @defaultValue true, unless the process shares this program's stdin and that is a terminal: a process in another
   * group cannot read from the terminal
   */
  processGroup?: boolean | undefined
  /** Milliseconds from SIGTERM to SIGKILL. @defaultValue 5000 */
  killGrace?: number | undefined
  /** The shell of `createSubprocessShell`. @defaultValue '/bin/sh' */
  shell?: string | undefined
}

/** Checks the arguments of a spawn, before anything is started, so that a wrong argument leaves nothing behind. */
export function checkSpawn(program: string, args: readonly string[], options: SpawnOptions): void {
  if (typeof program !== 'string' || program === '')
    throw new TypeError(`the program must be a non-empty string, got ${describe(program)}`)
  checkArgs(args)
  for (const text of [program, ...args]) checkText('an argument', text)
  checkOptions(options)
  checkStdio(options)
  const { cwd, env, processGroup, shell, limit } = options
  checkFolder(cwd)
  if (shell !== undefined) checkText('shell', shell)
  checkEnv(env)
  if (processGroup !== undefined && typeof processGroup !== 'boolean')
    throw new TypeError(`processGroup must be a boolean, got ${describe(processGroup)}`)
  checkDuration('timeout', options.timeout)
  checkDuration('killGrace', options.killGrace)
  // The constructor of StreamReader checks the limit. The check must be done before the process runs.
  void new StreamReader({ limit })
}

export function checkArgs(args: unknown): void {
  if (!Array.isArray(args))
    throw new TypeError(`the arguments must be an array of strings, got ${describe(args)}`)
}

const places = "PIPE, DEVNULL, 'inherit', a file descriptor"

function checkStdio({ stdin, stdout, stderr, stdio }: SpawnOptions): void {
  if (!isStdio(stdin) && !(stdin instanceof StreamReader))
    throw new TypeError(`stdin must be ${places} or a StreamReader, got ${describe(stdin)}`)
  if (!isStdio(stdout) && !(stdout instanceof StreamWriter))
    throw new TypeError(`stdout must be ${places} or a StreamWriter, got ${describe(stdout)}`)
  if (!isStdio(stderr) && !(stderr instanceof StreamWriter) && stderr !== STDOUT) {
    throw new TypeError(
      `stderr must be ${places}, STDOUT or a StreamWriter, got ${describe(stderr)}`,
    )
  }
  if (stdio === undefined) return
  if ((stdio as unknown) !== 'inherit')
    throw new TypeError(`stdio must be 'inherit', got ${describe(stdio)}`)
  if (stdin !== undefined || stdout !== undefined || stderr !== undefined)
    throw new TypeError("stdio: 'inherit' stands for all three streams: give either, not both")
}

function checkEnv(env: SpawnOptions['env']): void {
  if (env !== undefined && (typeof env !== 'object' || env === null))
    throw new TypeError(`env must be an object with the variables, got ${describe(env)}`)
  for (const [name, value] of variables(env)) {
    checkText('a name in env', name)
    if (name.includes('='))
      throw new TypeError(`a name in env must not contain "=": ${JSON.stringify(name)}`)
    if (value !== undefined) checkText(`env.${name}`, value)
  }
}

/** Yields the variables of `env`. Inherited properties are variables too, as for `spawn` of Node. */
function* variables(env: SpawnOptions['env']): Iterable<[name: string, value: string | undefined]> {
  // oxlint-disable-next-line eslint/guard-for-in -- inherited properties are meant too
  for (const name in env) yield [name, env[name]]
}

/**
 * Returns a copy of `options` and of its `env`, because the caller may change these objects between the call and the
 * start of the process.
 */
export function ownOptions<O extends SpawnOptions>(options: O): O {
  const { env } = options
  return { ...options, env: env === undefined ? undefined : Object.fromEntries(variables(env)) }
}

function checkFolder(cwd: unknown): void {
  if (cwd === undefined) return
  if (!(cwd instanceof URL) && typeof cwd !== 'string')
    throw new TypeError(`cwd must be a string, got ${describe(cwd)}`)
  if (cwd instanceof URL && cwd.protocol !== 'file:')
    throw new TypeError(`cwd must be a path or a file: URL, got ${cwd.href}`)
  checkText('cwd', toFolder(cwd))
}

/** Returns the path of `cwd`. @throws {TypeError} for a URL that is not the URL of a local file */
export function toFolder(cwd: string | URL): string
export function toFolder(cwd: string | URL | undefined): string | undefined
export function toFolder(cwd: string | URL | undefined): string | undefined {
  return cwd instanceof URL ? fileURLToPath(cwd) : cwd
}

function isStdio(value: unknown): boolean {
  if (value === undefined || value === PIPE || value === DEVNULL || value === 'inherit') return true
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LAST_DESCRIPTOR
}

function checkText(what: string, text: unknown): void {
  if (typeof text !== 'string')
    throw new TypeError(`${what} must be a string, got ${describe(text)}`)
  if (text.includes('\0')) throw new TypeError(`${what} holds a NUL byte: ${JSON.stringify(text)}`)
}

/** Throws unless `ms` is undefined, or a number of milliseconds of at least 0; Infinity means no limit. */
export function checkDuration(name: string, ms: unknown): void {
  if (ms === undefined) return
  if (typeof ms !== 'number' || Number.isNaN(ms))
    throw new TypeError(`${name} must be a number of milliseconds, got ${describe(ms)}`)
  if (ms < 0) throw new RangeError(`${name} must be 0 ms or more, got ${ms}`)
}
