import { describe } from '@tasktree/core/lowlevel'
import { checkDuration, PIPE, type SpawnOptions } from './options.ts'

/** How long to wait before each of several restarts. */
export interface ManagedBackoff {
  /** The first wait, in milliseconds. @defaultValue 100 */
  min?: number | undefined
  /**
   * The longest wait, in milliseconds. After a process that ran at least this long, the next wait is `min` again.
   * @defaultValue 10000
   */
  max?: number | undefined
  /** Each wait is this many times as long as the previous one, but at most `max`. @defaultValue 2 */
  factor?: number | undefined
}

export interface ManagedProcessOptions extends SpawnOptions {
  /**
   * Called with each line of stdout, without its line end. If it returns a promise, the next line waits for that
   * promise.
   */
  onStdout?: ((line: string) => void | PromiseLike<void>) | undefined
  /** Called with each line of stderr, like `onStdout` for stdout. */
  onStderr?: ((line: string) => void | PromiseLike<void>) | undefined
  /**
   * When the process is started again after it ended: 'on-failure' after every end except with code 0, 'always' after
   * every end. @defaultValue 'never'
   */
  restart?: 'never' | 'on-failure' | 'always' | undefined
  backoff?: ManagedBackoff | undefined
  /**
   * Recognizes the line, on stdout or stderr, by which the process says that it is ready. A prompt may be recognized
   * too: text without a newline, followed by silence. @defaultValue the process is ready as soon as it runs
   */
  ready?: RegExp | ((line: string) => boolean) | undefined
  /** How long the process has to become ready, in milliseconds. @defaultValue 30000 */
  readyTimeout?: number | undefined
}

const restarts: ReadonlySet<unknown> = new Set([undefined, 'never', 'on-failure', 'always'])

/** Checks the options that only a ManagedProcess has. */
export function checkManaged(options: ManagedProcessOptions): void {
  const { onStdout, onStderr, ready, restart, backoff = {} } = options
  for (const [name, place, callback] of [
    ['onStdout', options.stdout, onStdout],
    ['onStderr', options.stderr, onStderr],
  ] as const) {
    if (callback !== undefined && typeof callback !== 'function')
      throw new TypeError(`${name} must be a function, got ${describe(callback)}`)
    if (callback !== undefined && place !== undefined && place !== PIPE)
      throw new TypeError(`${name} hears a PIPE, and that output was given another place`)
    if (callback !== undefined && options.stdio !== undefined)
      throw new TypeError(`${name} hears a PIPE, and stdio gives that output to the terminal`)
  }
  if (ready !== undefined && typeof ready !== 'function' && !(ready instanceof RegExp))
    throw new TypeError(`ready must be a RegExp or a function, got ${describe(ready)}`)
  if (ready !== undefined && !isPiped(options.stdout, options) && !isPiped(options.stderr, options))
    throw new TypeError('ready needs a PIPE, but both outputs were given other places')
  if (!restarts.has(restart)) {
    throw new TypeError(
      `restart must be 'never', 'on-failure' or 'always', got ${describe(restart)}`,
    )
  }
  checkDuration('readyTimeout', options.readyTimeout)
  if (typeof backoff !== 'object' || backoff === null)
    throw new TypeError(`backoff must be an object, got ${describe(backoff)}`)
  checkDuration('backoff.min', backoff.min)
  checkDuration('backoff.max', backoff.max)
  const { factor = 2 } = backoff
  if (typeof factor !== 'number' || !(factor >= 1))
    throw new RangeError(`backoff.factor must be 1 or more, got ${describe(factor)}`)
}

function isPiped(place: SpawnOptions['stderr'], { stdio }: SpawnOptions): boolean {
  return stdio === undefined && (place === undefined || place === PIPE)
}
