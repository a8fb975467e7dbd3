import type { Executor } from '@tasktree/executor'
import type { Rate } from './kind-limits.ts'

/** The pools of the server. Looked up at each use, because a pool that was restarted is another one. */
export interface Pools {
  readonly threads: Executor
  readonly processes: Executor
}

/** What a running job can reach. */
export interface JobContext {
  /** The number of the job. */
  readonly id: number
  readonly kind: string
  /** 1 in the first attempt, one more in each later one. */
  readonly attempt: number
  /** The same text in every attempt of the job, and in no other job: for services that do the same request only once. */
  readonly idempotencyKey: string
  /** For a job of a schedule, the time that it was due at, in `Date.now()` milliseconds; null for any other job. */
  readonly scheduledAt: number | null
  /** The server's pools. A kind that runs in a pool has none. */
  readonly pools: Pools
  /** Shows how far the job is. */
  readonly progress: (done: number, total: number) => void
  /** Adds a line to the job's output. */
  readonly log: (line: string) => void
  /** Adds a piece of text to the job's output, without an end of line. */
  readonly output: (text: string) => void
  /**
   * Calls `work` and keeps its result in the jobs' file; a later attempt of the job gets that result without a call.
   * The promise resolves when the result is committed. In a pool it does not wait for that commit, which follows
   * within milliseconds. The result must be a value that JSON can hold.
   *
   * @throws {TypeError} for a result that JSON cannot hold
   * @throws {Error} when a step of this name is under way in this attempt
   */
  readonly step: <T>(name: string, work: () => T | PromiseLike<T>) => Promise<T>
}

/** How jobs of a kind are read and done. */
export interface Kind<P = string, R = unknown> {
  /** Shown by the page in an empty field for the payload. */
  readonly placeholder?: string
  /**
   * Reads the payload, before the job is added and again before each attempt. A payload for which it throws is refused.
   * It must not be asynchronous. @defaultValue the text itself
   */
  readonly parse?: (payload: string) => P
  /**
   * Does the job. A text is its result as it is; any other result is kept as JSON. A cancel ends the work at its next
   * `await`; in a pool it ends the worker if nothing else helps.
   */
  // A method, because a kind without `parse` may say that its payload is a string where nothing else says so.
  run(payload: P, ctx: JobContext): R | PromiseLike<R>
  /** Where it runs: in a worker of that pool. @defaultValue in the server itself, which it must not keep busy */
  readonly pool?: 'threads' | 'processes'
  /** How many jobs of the kind may run at once. @defaultValue no limit */
  readonly concurrency?: number
  /** How many jobs of the kind may begin in a time. @defaultValue no limit */
  readonly rate?: Rate
  /** How many jobs of one GROUP may run at once. @defaultValue 1 */
  readonly groupConcurrency?: number
  /** How many jobs of one GROUP may begin in a time. @defaultValue no limit */
  readonly groupRate?: Rate
  /** Milliseconds an attempt may take, where JOB.ADD says nothing else. @defaultValue 0, no limit */
  readonly timeout?: number
  /** Further attempts after a failure, where JOB.ADD says nothing else. @defaultValue 0 */
  readonly retries?: number
}

/** Kinds by their names, whatever their payloads are. */
// oxlint-disable-next-line typescript/no-explicit-any -- what parse and run of one kind have in common is lost in a table
export type Kinds = Readonly<Record<string, Kind<any>>>

const kindsMark = Symbol.for('@tasktree/jobd.kinds')

/**
 * Checks kinds of jobs, and gives them back with their types.
 *
 * @throws {TypeError} for a kind that is not one
 * @throws {RangeError} for a number out of its range
 *
 * @example
 *     export default defineKinds({
 *       resize: {
 *         placeholder: 'a path',
 *         concurrency: 4,
 *         run: async (path: string, ctx) => `${path}: attempt ${ctx.attempt}`,
 *       },
 *     })
 */
export function defineKinds<P, const T>(kinds: { [K in keyof P]: Kind<P[K]> } & T): NoInfer<T> {
  const table: unknown = kinds
  if (typeof table !== 'object' || table === null)
    throw new TypeError(`defineKinds expects an object of kinds, got ${String(table)}`)
  for (const [name, kind] of Object.entries(table)) checkKind(name, kind)
  return Object.defineProperty({ ...kinds }, kindsMark, { value: true })
}

/** Whether `value` was made by `defineKinds`, of this copy of the package or of another. */
export function isKinds(value: unknown): value is Kinds {
  return typeof value === 'object' && value !== null && kindsMark in value
}

const known: ReadonlySet<string> = new Set(
  'placeholder parse run pool concurrency rate groupConcurrency groupRate timeout retries'.split(
    ' ',
  ),
)

function checkKind(name: string, kind: unknown): void {
  if (!/^[\w.:-]{1,64}$/.test(name))
    throw new TypeError(
      `the name of a kind has 1 to 64 letters, digits and _ . : -, got ${JSON.stringify(name.slice(0, 80))}`,
    )
  if (typeof kind !== 'object' || kind === null)
    throw new TypeError(`the kind ${name} must be an object, got ${typeof kind}`)
  const wrong = Object.keys(kind).find((key) => !known.has(key))
  if (wrong !== undefined)
    throw new TypeError(
      `the kind ${name} has no option ${wrong}: there are ${[...known].join(', ')}`,
    )
  const { run, parse, pool, placeholder, ...numbers } = kind as Partial<Kind>
  if (typeof run !== 'function')
    throw new TypeError(`${name}.run must be a function, got ${typeof run}`)
  if (parse !== undefined && typeof parse !== 'function')
    throw new TypeError(`${name}.parse must be a function, got ${typeof parse}`)
  if (placeholder !== undefined && typeof placeholder !== 'string')
    throw new TypeError(`${name}.placeholder must be a text, got ${typeof placeholder}`)
  if (pool !== undefined && pool !== 'threads' && pool !== 'processes')
    throw new TypeError(`${name}.pool must be 'threads' or 'processes', got ${String(pool)}`)
  for (const option of ['concurrency', 'groupConcurrency'] as const)
    checkWhole(`${name}.${option}`, numbers[option], 1)
  for (const option of ['timeout', 'retries'] as const)
    checkWhole(`${name}.${option}`, numbers[option], 0)
  for (const option of ['rate', 'groupRate'] as const)
    if (numbers[option] !== undefined) checkRate(`${name}.${option}`, numbers[option])
}

/** A rate remembers the time of each of its latest beginnings. */
export const mostInRate = 100_000

/** @throws {TypeError} @throws {RangeError} */
export function checkRate(what: string, rate: Rate): void {
  if (typeof rate !== 'object' || rate === null)
    throw new TypeError(
      `${what} must be an object like { limit: 10, per: 1000 }, got ${String(rate)}`,
    )
  checkWhole(`${what}.limit`, rate.limit, 1, mostInRate)
  if (rate.limit === undefined) throw new TypeError(`${what} has no limit`)
  checkWhole(`${what}.per`, rate.per, 1, 2_592_000_000)
}

function checkWhole(what: string, n: unknown, least: number, most = 2 ** 50): void {
  if (n === undefined) return
  if (typeof n !== 'number') throw new TypeError(`${what} must be a number, got ${typeof n}`)
  if (!Number.isInteger(n) || n < least || n > most)
    throw new RangeError(`${what} must be a whole number from ${least} to ${most}, got ${n}`)
}
