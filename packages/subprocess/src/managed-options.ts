import { describe } from '@tasktree/core/lowlevel'
import { checkDuration, PIPE, type SpawnOptions } from './options.ts'

/** How long to wait before each restart in a row. */
export interface ManagedBackoff {
  /** Before the first; milliseconds. @defaultValue 100 */
  min?: number | undefined
  /** At most; milliseconds. After so long a life the row begins anew. @defaultValue 10000 */
  max?: number | undefined
  /** Each wait is this times the one before. @defaultValue 2 */
  factor?: number | undefined
}

export interface ManagedProcessOptions extends SpawnOptions {
  /** Hears each line of stdout, without its end; the next line waits for the promise it may return. */
  onStdout?: ((line: string) => void | PromiseLike<void>) | undefined
  /** Hears each line of stderr. */
  onStderr?: ((line: string) => void | PromiseLike<void>) | undefined
  /** Which ends it is started again after: those with a code other than 0, or all. @defaultValue 'never' */
  restart?: 'never' | 'on-failure' | 'always' | undefined
  backoff?: ManagedBackoff | undefined
  /** The line, of either output, by which it is ready. @defaultValue ready as soon as it runs */
  ready?: RegExp | ((line: string) => boolean) | undefined
  /** Milliseconds. @defaultValue 30000 */
  readyTimeout?: number | undefined
}

const restarts: ReadonlySet<unknown> = new Set([undefined, 'never', 'on-failure', 'always'])

/** Everything is checked before anything runs. */
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
  }
  if (ready !== undefined && typeof ready !== 'function' && !(ready instanceof RegExp))
    throw new TypeError(`ready must be a RegExp or a function, got ${describe(ready)}`)
  if (!restarts.has(restart)) {
    throw new TypeError(
      `restart must be 'never', 'on-failure' or 'always', got ${describe(restart)}`,
    )
  }
  checkDuration('readyTimeout', options.readyTimeout)
  checkDuration('backoff.min', backoff.min)
  checkDuration('backoff.max', backoff.max)
  const { factor = 2 } = backoff
  if (typeof factor !== 'number' || !(factor >= 1))
    throw new RangeError(`backoff.factor must be 1 or more, got ${describe(factor)}`)
}
