import type { Executor } from '@tasktree/executor'
import type { JsonForm } from './json-form.ts'
import type { Rate } from './kind-limits.ts'

/** The pools of the server. Do not keep a pool in a variable: after a restart the property returns another pool. */
export interface Pools {
  readonly threads: Executor
  readonly processes: Executor
}

/** The second argument of `run`: the properties of the job, and the functions that it can call. */
export interface JobContext {
  /** The number of the job. */
  readonly id: number
  readonly kind: string
  /** The number of the attempt: 1 in the first attempt. */
  readonly attempt: number
  /**
   * A text that is the same in every attempt of the job, and different in every other job. Services use such a key to
   * do a repeated request only once.
   */
  readonly idempotencyKey: string
  /** For a job of a schedule, the time for which it was added, in `Date.now()` milliseconds; null for any other job. */
  readonly scheduledAt: number | null
  /** The server's pools. A kind that runs in a pool has none. */
  readonly pools: Pools
  /** Reports that `done` of `total` parts of the work are done. */
  readonly progress: (done: number, total: number) => void
  /** Adds a line to the job's output. */
  readonly log: (line: string) => void
  /** Adds a piece of text to the job's output, without an end of line. */
  readonly output: (text: string) => void
  /**
   * Calls `work` and stores its result in the jobs' file. A later attempt of the job gets the stored result, and does
   * not call `work` again. The promise resolves when the result is committed. In a pool it resolves before the commit,
   * which follows within milliseconds. The result must be a value that JSON can hold, up to 1 MiB.
   *
   * @throws {TypeError} for a name that is not a text or is empty, and for a result that JSON cannot hold or that is
   * longer than 1 MiB
   * @throws {Error} when a step of this name is running in this attempt, and when the attempt is over: its worker was
   * killed, or its code goes on after a cancel or a time limit
   */
  readonly step: <T>(name: string, work: () => T | PromiseLike<T>) => Promise<JsonForm<T>>
}

/** A kind of jobs: how their payload is read, how they run, and their limits. */
export interface Kind<P = string, R = unknown> {
  /** A text that the dashboard shows in an empty field for the payload. */
  readonly placeholder?: string
  /**
   * Reads the payload. It is called before the job is added, and again before each attempt. If it throws, the payload
   * is refused. It must not be asynchronous. @defaultValue a function that returns the text itself
   */
  readonly parse?: (payload: string) => P
  /**
   * Does the job, and returns its result. A text is stored unchanged, any other result as JSON. A cancel interrupts the
   * work at its next `await` of something of Tasktree. At most one second after the cancel, the job is cancelled
   * whatever `run` does, and what `run` returns later is ignored. In a pool, a worker that does not react to the cancel
   * is terminated.
   */
  // This is a method, because TypeScript compares the parameters of methods less strictly: a kind without `parse` may
  // declare its payload as a string.
  run(payload: P, ctx: JobContext): R | PromiseLike<R>
  /**
   * The pool whose workers run the jobs. @defaultValue none: jobs run in the server itself, and must not block its
   * event loop
   */
  readonly pool?: 'threads' | 'processes'
  /** How many jobs of the kind may run at the same time. @defaultValue no limit */
  readonly concurrency?: number
  /** How many jobs of the kind may begin within a time. @defaultValue no limit */
  readonly rate?: Rate
  /** How many jobs of one GROUP may run at the same time. @defaultValue 1 */
  readonly groupConcurrency?: number
  /** How many jobs of one GROUP may begin within a time. @defaultValue no limit */
  readonly groupRate?: Rate
  /** Milliseconds that an attempt may take, unless JOB.ADD or JOB.EVERY has the option TIMEOUT. @defaultValue 0, no limit */
  readonly timeout?: number
  /** How many further attempts follow a failure, unless JOB.ADD or JOB.EVERY has the option RETRIES. @defaultValue 0 */
  readonly retries?: number
}

/** Kinds by their names. Their payloads may have any type. */
// oxlint-disable-next-line typescript/no-explicit-any -- parse and run have one payload type, which a table cannot express
export type Kinds = Readonly<Record<string, Kind<any>>>

/**
 * The payload of `run`: what `parse` returns, or the text itself if there is no `parse`. Without `parse`, TypeScript
 * infers `unknown` for `P`.
 */
type Payload<P> = 0 extends 1 & P ? P : unknown extends P ? string : P

/** A kind whose payload has the type that its `parse` returns. The parameter of `run` does not decide the type. */
interface KindOf<P> extends Omit<Kind<P>, 'run'> {
  run(payload: Payload<NoInfer<P>>, ctx: JobContext): unknown
}

/** The demands on a kind that `KindOf` cannot express. */
type Checked<K> = K extends { parse: (payload: string) => infer P }
  ? 0 extends 1 & P
    ? unknown
    : unknown extends P
      ? { run: (payload: unknown, ctx: JobContext) => unknown }
      : Extract<P, PromiseLike<unknown>> extends never
        ? { run: (payload: P, ctx: JobContext) => unknown }
        : { parse: 'parse must not be asynchronous' }
  : unknown

const kindsMark = Symbol.for('@tasktree/jobd.kinds')

/**
 * Checks kinds of jobs, and returns them with their types.
 *
 * @throws {TypeError} for a value that is not a kind
 * @throws {RangeError} for a number that is out of range
 *
 * @example
 *     const kinds = defineKinds({
 *       resize: {
 *         placeholder: 'a path',
 *         concurrency: 4,
 *         run: async (path: string, ctx) => `${path}: attempt ${ctx.attempt}`,
 *       },
 *     })
 *     console.log(Object.keys(kinds)) // [ 'resize' ]
 */
export function defineKinds<P, const T>(
  kinds: { [K in keyof P]: KindOf<P[K]> } & T & { [K in keyof T]: Checked<T[K]> },
): NoInfer<T> {
  const table: unknown = kinds
  if (typeof table !== 'object' || table === null)
    throw new TypeError(`defineKinds expects an object of kinds, got ${String(table)}`)
  for (const [name, kind] of Object.entries(table)) checkKind(name, kind)
  return Object.defineProperty({ ...kinds }, kindsMark, { value: true })
}

/** Whether `value` was made by `defineKinds`, of this copy of the package or of another copy. */
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

/** The largest limit of a rate, because the start times of that many jobs are kept in memory. */
export const mostInRate = 100_000

/**
 * Checks the rate `rate`. `what` is its name in the message of an error.
 *
 * @throws {TypeError} when `rate` is not an object, has no limit, or has a field that is not a number
 * @throws {RangeError} when a field is not a whole number, or is out of range
 */
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
