import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { Actor, ReplyError, type ReplyPort } from '@tasktree/actor'
import type { Job, JobRequest, JobState, QueuedJob } from '../jobs/job.ts'
import { longestShown } from '../jobs/shown-job.ts'
import type { JobFeed } from './job-feed.ts'
import type { JobFile } from './job-file.ts'

/** What is kept of one job's output, in characters: its beginning. */
const mostOutput = 1_048_576

/** It could not be written: nothing of it was, and it may be tried again. */
export class StoreError extends ReplyError {
  override readonly name: string = 'StoreError'

  constructor(cause: Error) {
    super(`the jobs' file cannot be written: ${cause.message}`, { cause })
  }
}

/** SQLite's BUSY, NOMEM, READONLY and FULL: they pass when there is room again. After others the file is opened anew. */
const passing: ReadonlySet<number> = new Set([5, 7, 8, 13])

const columns =
  'id, kind, payload, priority, delay, timeout, retries, key, state, attempts, result, error, createdAt, notBefore'

interface Uncommitted {
  settle: () => void
  fail: (error: StoreError) => void
}

/**
 * The jobs' file and its only writer. Writes that come together are committed together, and each is answered
 * after that commit: what a client was told survives a crash at any moment.
 */
export class Store extends Actor {
  readonly #file: JobFile
  readonly #feed: JobFeed
  readonly #statements = new Map<string, StatementSync>()
  /** Characters of output of the jobs that run. */
  readonly #outputs = new Map<number, number>()
  #database!: DatabaseSync
  /** What waits for the commit; null when no transaction is open. */
  #uncommitted: Uncommitted[] | null = null

  constructor(file: JobFile, feed: JobFeed) {
    super()
    this.#file = file
    this.#feed = feed
  }

  protected override onStart(): void {
    this.#database = this.#file.open()
  }

  protected override onStop(): void {
    try {
      this.#commit()
    } finally {
      this.#file.close()
    }
  }

  /** The new job, or the one that has its key already. */
  add(request: JobRequest): ReplyPort<{ job: Job; isNew: boolean }> {
    const { kind, payload, priority, delay, timeout, retries, key } = request
    return this.#write(() => {
      const now = Date.now()
      const added = this.#row(
        `INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, key, state, attempts, allowed, createdAt, notBefore)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', 0, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING ${columns}`,
        kind,
        payload,
        priority,
        delay,
        timeout,
        retries,
        key,
        retries + 1,
        now,
        now + delay,
      )
      const job = added ?? this.#row(`SELECT ${columns} FROM jobs WHERE key = ?`, key)
      return { job: job as Job, isNew: added !== null }
    })
  }

  /** Begins an attempt, and counts it before: one that a crash cuts short has been one. */
  begin(id: number): ReplyPort<Job> {
    return this.#update(`state = 'running', attempts = attempts + 1`, id)
  }

  /** Ends an attempt, and the job with it. */
  end(
    id: number,
    state: JobState,
    outcome: { result?: string; error?: string } = {},
  ): ReplyPort<Job> {
    this.#outputs.delete(id)
    const { result = null, error = null } = outcome
    return this.#update('state = ?, result = ?, error = ?', id, state, result, error)
  }

  /** Ends an attempt that failed: the job begins again at `notBefore`, or has failed when it has no attempt left. */
  fail(id: number, error: string, notBefore: number): ReplyPort<Job> {
    return this.#update(
      `state = CASE WHEN attempts < allowed THEN 'queued' ELSE 'failed' END, error = ?, notBefore = ?`,
      id,
      error,
      notBefore,
    )
  }

  /** Ends an attempt that its worker did not live through: the job is to begin again. */
  requeue(id: number): ReplyPort<Job> {
    return this.#update(`state = 'queued'`, id)
  }

  /** A job that had ended begins anew, with as many attempts as at first beside those it had. */
  retry(id: number): ReplyPort<Job> {
    return this.#update(
      `state = 'queued', allowed = attempts + retries + 1, result = NULL, error = NULL, notBefore = ?`,
      id,
      Date.now(),
    )
  }

  /** Those that are to be done, in the order of their age. Those that ran are queued again. */
  recover(): ReplyPort<QueuedJob[]> {
    return this.#write(() => {
      this.#row(`UPDATE jobs SET state = 'queued' WHERE state = 'running'`)
      return this.#statement(
        `SELECT id, kind, priority, notBefore FROM jobs WHERE state = 'queued' ORDER BY id`,
      ).all() as unknown as QueuedJob[]
    })
  }

  /** Keeps a piece of a job's output. Of more than a mebibyte the rest is left out. */
  append(id: number, text: string): void {
    const offset = this.#outputs.get(id) ?? this.#outputOf(id).length
    if (offset > mostOutput) return
    const isLast = offset + text.length > mostOutput
    const kept = isLast ? `${text.slice(0, mostOutput - offset)}\n[the rest is left out]\n` : text
    this.#outputs.set(id, offset + kept.length)
    this.#feed.publish({ type: 'output', id, text: kept, offset })
    this.#do(() => this.#row('INSERT INTO outputs (job, text) VALUES (?, ?)', id, kept), {
      settle: () => {},
      fail: (error) => this.ctx.log.warn(`output of job ${id} is lost: ${error.message}`),
    })
  }

  /** A job's output; null when there is no such job. */
  log(id: number): ReplyPort<string | null> {
    return this.#read(() => (this.#find(id) === null ? null : this.#outputOf(id)))
  }

  get(id: number): ReplyPort<Job | null> {
    return this.#read(() => this.#find(id))
  }

  /** The newest first; long texts are cut. */
  list(state: JobState | null, limit: number): ReplyPort<Job[]> {
    const short = columns.replaceAll(
      /payload|result|error/g,
      (name) => `substr(${name}, 1, ${longestShown}) AS ${name}`,
    )
    const where = state === null ? '' : 'WHERE state = ?'
    const values = state === null ? [limit] : [state, limit]
    const sql = `SELECT ${short} FROM jobs ${where} ORDER BY id DESC LIMIT ?`
    return this.#read(() => this.#statement(sql).all(...values) as unknown as Job[])
  }

  counts(): ReplyPort<Partial<Record<JobState, number>>> {
    return this.#read(() => {
      const rows = this.#statement('SELECT state, count(*) AS n FROM jobs GROUP BY state').all()
      return Object.fromEntries(rows.map((row) => [String(row['state']), Number(row['n'])]))
    })
  }

  #find(id: number): Job | null {
    return this.#row(`SELECT ${columns} FROM jobs WHERE id = ?`, id) as Job | null
  }

  #outputOf(id: number): string {
    const rows = this.#statement('SELECT text FROM outputs WHERE job = ? ORDER BY rowid').all(id)
    return rows.map((row) => String(row['text'])).join('')
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #row(sql: string, ...values: SQLInputValue[]): unknown {
    return this.#statement(sql).get(...values) ?? null
  }

  #update(change: string, id: number, ...values: SQLInputValue[]): ReplyPort<Job> {
    const sql = `UPDATE jobs SET ${change} WHERE id = ? RETURNING ${columns}`
    return this.#write(() => this.#row(sql, ...values, id) as Job)
  }

  /** What is not committed yet is told to nobody. */
  #read<T>(work: () => T): ReplyPort<T> {
    const port = this.ctx.reply<T>()
    const value = work()
    if (this.#uncommitted === null) port.resolve(value)
    else
      this.#uncommitted.push({
        settle: () => port.resolve(value),
        fail: (error) => port.reject(error),
      })
    return port
  }

  /** Answered after the commit. */
  #write<T>(work: () => T): ReplyPort<T> {
    const port = this.ctx.reply<T>()
    let value: T
    this.#do(() => (value = work()), {
      settle: () => port.resolve(value),
      fail: (error) => port.reject(error),
    })
    return port
  }

  #do(work: () => unknown, uncommitted: Uncommitted): void {
    try {
      if (this.#uncommitted === null) {
        this.#database.exec('BEGIN IMMEDIATE')
        this.#uncommitted = []
        // What else is in the mailbox comes before it.
        this.ctx.after(0, () => this.#commit())
      }
      work()
      this.#uncommitted.push(uncommitted)
    } catch (error) {
      this.#fail(error, [...(this.#uncommitted ?? []), uncommitted])
    }
  }

  #commit(): void {
    const all = this.#uncommitted
    if (all === null) return
    try {
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#fail(error, all)
      return
    }
    this.#uncommitted = null
    for (const { settle } of all) settle()
  }

  /** Nothing of the transaction is written, and who waits for it hears of that. */
  #fail(error: unknown, all: Uncommitted[]): void {
    this.#uncommitted = null
    if (!(error instanceof Error) || !('errcode' in error)) throw error
    // Some failures have rolled it back already.
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    const failure = new StoreError(error)
    for (const { fail } of all) fail(failure)
    if (!passing.has(Number(error.errcode) & 0xff)) throw error
    this.ctx.log.warn(failure.message)
  }
}
