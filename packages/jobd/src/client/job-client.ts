import type { AttemptRecord, Job, JobFilter, JobRequest } from '../jobs/job.ts'
import type { JsonForm } from '../jobs/json-form.ts'
import type { Kinds } from '../jobs/kind.ts'
import type { Reply } from '../protocol/resp.ts'
import type { Address } from './connection.ts'
import { Connections } from './connections.ts'

/** Options of a job. If `timeout` or `retries` is left out, the kind of the job defines it. Times are milliseconds. */
export type AddOptions = Partial<
  Omit<JobRequest, 'kind' | 'payload' | 'key' | 'keep' | 'group'> & {
    key: string
    keep: number
    group: string
  }
>

/** Options of a schedule. */
export interface EveryOptions extends AddOptions {
  /** The time zone of a cron pattern. @defaultValue the time zone of the server */
  zone?: string
  /** What happens with times that passed while the server was down. @defaultValue once */
  missed?: 'skip' | 'once' | 'all'
}

/** The result of a kind's `run` as a client gets it: what JSON makes of it. */
export type ResultOf<K> = K extends { run: (...args: never[]) => infer R }
  ? JsonForm<Awaited<R>>
  : unknown

/** A job that was waited for has failed, or was cancelled. */
export class JobFailedError extends Error {
  override readonly name: string = 'JobFailedError'
  readonly code: string = 'ERR_JOBD_JOB_FAILED'
  readonly job: Job

  constructor(job: Job) {
    super(`job ${job.id} ${job.state === 'failed' ? `has failed: ${job.error}` : 'was cancelled'}`)
    this.job = job
  }
}

/**
 * A client of a server. Any number of calls may be made at the same time: they share one connection, on which the
 * server answers them in order. A wait for a job does not hold up other calls. Commands that the server may answer late,
 * such as JOB.CANCEL, have connections of their own, of which there are at most four. If a call is cancelled, the
 * server may still carry the command out.
 *
 * @example
 *     import { mkdtempDisposable } from 'node:fs/promises'
 *
 *     await using folder = await mkdtempDisposable('/tmp/jobs-')
 *     await using server = await startJobd({ file: `${folder.path}/jobs.sqlite`, port: 0 })
 *     await using client = await JobClient.connect('127.0.0.1', server.port)
 *     console.log(await client.run('primes', '10')) // 4
 */
export class JobClient<K extends object = Kinds> implements AsyncDisposable {
  /**
   * @internal The bundler renames a class that refers to itself to `_JobClient`. This field keeps the name that users see.
   */
  static readonly name: string = 'JobClient'

  readonly #connections: Connections

  private constructor(address: Address) {
    this.#connections = new Connections(address)
  }

  /**
   * Connects, and sends the password if there is one.
   *
   * @throws {OSError} when no server listens at the address
   * @throws {ErrorReply} the error that the server answers, for example for a wrong password
   */
  static async connect<K extends object = Kinds>(
    host: string,
    port: number,
    { password = null }: { password?: string | null } = {},
  ): Promise<JobClient<K>> {
    const client = new JobClient<K>({ host, port, password })
    await client.#connections.open()
    return client
  }

  /**
   * Sends any command of the protocol and returns the reply.
   *
   * @throws {ErrorReply} the error that the server answers
   * @throws {TypeError} for no words, and for SUBSCRIBE and UNSUBSCRIBE, because this client takes no messages
   * @throws {OSError | ProtocolError} when the connection was lost: in that case it is not known whether the command was
   * carried out
   * @throws {ClientClosed} when the client is closed, even while the command waits for its answer
   */
  async command(...words: (string | number)[]): Promise<Reply> {
    return this.#connections.send(words)
  }

  /** Sends a command whose answer is a text, and returns the answer. @throws {TypeError} when the answer is not a text */
  async text(...words: (string | number)[]): Promise<string> {
    const reply = await this.command(...words)
    if (typeof reply !== 'string')
      throw new TypeError(`expected a text, got ${JSON.stringify(reply)}`)
    return reply
  }

  /**
   * Adds a job, and returns its number when the job is safe on the disk. A payload that is not a text is sent as JSON. If
   * another job holds the `key` of the options, no job is added, and the number of that other job is returned.
   *
   * @throws {ErrorReply} the error that the server answers: for an unknown kind, a payload that it refuses, a full queue
   */
  async add(
    kind: keyof K & string,
    payload: unknown = '',
    options: AddOptions = {},
  ): Promise<number> {
    return Number(await this.command('JOB.ADD', kind, textOf(payload), ...wordsOf(options)))
  }

  /**
   * Adds a job and waits for its result, however long that takes. A cancel ends the wait. The job goes on.
   *
   * @throws {JobFailedError} when the job fails, or is cancelled
   */
  async run<N extends keyof K & string>(
    kind: N,
    payload: unknown = '',
    options: AddOptions = {},
  ): Promise<ResultOf<K[N]>> {
    return (await this.result(await this.add(kind, payload, options))) as ResultOf<K[N]>
  }

  /**
   * Waits until a job has ended, and returns it, or null if there is no such job.
   *
   * @throws {ErrorReply} when `timeout` milliseconds have passed
   */
  async wait(id: number, { timeout }: { timeout?: number } = {}): Promise<Job | null> {
    const limit = timeout === undefined ? [] : ['TIMEOUT', timeout]
    return toJob(await this.command('JOB.WAIT', id, ...limit))
  }

  /**
   * Waits for the result of a job: a text, or a value that was stored as JSON; undefined if its kind returned none.
   *
   * @throws {JobFailedError} when the job has failed, or was cancelled
   * @throws {RangeError} when there is no such job
   */
  async result(id: number, options: { timeout?: number } = {}): Promise<unknown> {
    const job = await this.wait(id, options)
    if (job === null) throw new RangeError(`there is no job ${id}`)
    if (job.state !== 'done') throw new JobFailedError(job)
    if (job.result === null) return undefined
    return job.resultType === 'json' ? JSON.parse(job.result) : job.result
  }

  /** Returns a job, or null if there is no such job. */
  async get(id: number): Promise<Job | null> {
    return toJob(await this.command('JOB.GET', id))
  }

  /** Returns the jobs that match `filter`, the newest first. Long texts of a job are cut. */
  async list(filter: JobFilter & { limit?: number } = {}): Promise<Job[]> {
    const reply = await this.command('JOB.LIST', ...wordsOf(filter))
    return (reply as Reply[]).map((each) => toRecord(each) as unknown as Job)
  }

  async cancel(id: number): Promise<void> {
    await this.command('JOB.CANCEL', id)
  }

  async retry(id: number): Promise<void> {
    await this.command('JOB.RETRY', id)
  }

  /**
   * Returns the output of an attempt of the job, by default of the latest one. Of long output it returns the first 256
   * KiB and the last 768 KiB, with a line between them that says how much is missing.
   *
   * @throws {ErrorReply} the error that the server answers: there is no such job, or the job has not had that attempt
   */
  async log(id: number, { attempt }: { attempt?: number } = {}): Promise<string> {
    return this.text('JOB.LOG', id, ...(attempt === undefined ? [] : ['ATTEMPT', attempt]))
  }

  /**
   * Returns the latest attempts of a job, at most 20, the earliest first.
   *
   * @throws {ErrorReply} when there is no such job
   */
  async attempts(id: number): Promise<AttemptRecord[]> {
    const reply = (await this.command('JOB.ATTEMPTS', id)) as Reply[]
    return reply.map((each) => toRecord(each) as unknown as AttemptRecord)
  }

  /**
   * Adds a job at each time of a cron pattern, or of an interval in milliseconds. If there is a schedule of that name,
   * it is changed. If its times stay the same, it keeps its next time, so that a program may call this at each start.
   * Returns the next time.
   */
  async every(
    name: string,
    times: string | number,
    kind: keyof K & string,
    payload: unknown = '',
    options: EveryOptions = {},
  ): Promise<Date> {
    const words = ['JOB.EVERY', name, times, kind, textOf(payload), ...wordsOf(options)]
    return new Date(Number(await this.command(...words)))
  }

  async unschedule(name: string): Promise<void> {
    await this.command('JOB.UNSCHEDULE', name)
  }

  /** Closes the client. Commands that wait for their answers fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]()
  }
}

/** @throws {TypeError} for a payload that JSON cannot hold */
function textOf(payload: unknown): string {
  if (typeof payload === 'string') return payload
  const text: string | undefined = JSON.stringify(payload)
  if (text === undefined)
    throw new TypeError(`a payload is a text or a value for JSON, got ${typeof payload}`)
  return text
}

function wordsOf(options: object): (string | number)[] {
  return Object.entries(options).flatMap(([name, value]) =>
    value === undefined || value === null
      ? []
      : [name.toUpperCase(), typeof value === 'number' ? value : String(value)],
  )
}

function toJob(reply: Reply): Job | null {
  return reply === null ? null : (toRecord(reply) as unknown as Job)
}

/**
 * Makes an object of a reply that lists keys and values in turn.
 *
 * @example
 *     console.log(toRecord(['id', 7, 'state', 'done'])) // { id: 7, state: 'done' }
 */
export function toRecord(reply: Reply): Record<string, string | number | null> {
  if (!Array.isArray(reply)) throw new TypeError(`expected a map, got ${JSON.stringify(reply)}`)
  const record: Record<string, string | number | null> = {}
  for (let i = 0; i < reply.length; i += 2) {
    const [name, value] = [reply[i], reply[i + 1]]
    if (typeof name !== 'string')
      throw new TypeError(`expected a map, got ${JSON.stringify(reply)}`)
    record[name] = typeof value === 'string' || typeof value === 'number' ? value : null
  }
  return record
}
