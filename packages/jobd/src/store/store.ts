import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { Actor, ReplyError, type ReplyPort } from '@tasktree/actor'
import {
  finalStates,
  type Job,
  type JobFilter,
  type JobRequest,
  type JobState,
} from '../jobs/job.ts'
import { longestShown } from '../jobs/shown-job.ts'
import type { JobFeed } from './job-feed.ts'
import { isPassingFailure, type JobFile } from './job-file.ts'
import { type Retention, retentionOf, surplusJobs } from './retention.ts'
import { numberOf } from './schema.ts'

/** How many characters of one job's output are kept; the rest is left out. */
const mostOutput = 1_048_576

/** Milliseconds between two looks for jobs that need not be kept, and how many are deleted in one transaction. */
const sweepTime = 1_000
const sweepBatch = 500

/** Unused pages are given back to the file system when there are this many, this many after one commit. */
const mostUnusedPages = 2_000
const returnedPages = 1_000

/** A change could not be written. No part of it was written, and the caller may try again. */
export class StoreError extends ReplyError {
  override readonly name: string = 'StoreError'

  constructor(cause: Error) {
    super(`the jobs' file cannot be written: ${cause.message}`, { cause })
  }
}

const columns =
  'id, kind, payload, priority, delay, timeout, retries, key, keep, state, attempts, deaths, result, error, createdAt, notBefore, startedAt, endedAt'

const shortColumns = columns.replaceAll(
  /payload|\bkey\b|result|error/g,
  (name) => `substr(${name}, 1, ${longestShown}) AS ${name}`,
)

const noJobs = (): Record<JobState, number> => ({
  queued: 0,
  running: 0,
  done: 0,
  failed: 0,
  cancelled: 0,
})

/** A queued job as the file has it. */
export type StoredQueuedJob = Pick<
  Job,
  'id' | 'kind' | 'priority' | 'delay' | 'attempts' | 'deaths' | 'notBefore'
>

/** The result of queueing a job again that had ended. */
export type Revival = { before: Job | null; job: Job | null; keyHolder: number | null }

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
  readonly #wantedRetention: Retention
  readonly #statements = new Map<string, StatementSync>()
  /** Characters of output of the jobs that run. */
  readonly #outputs = new Map<number, number>()
  #database!: DatabaseSync
  #retention!: Retention
  /** How many jobs are in each state: kept up to date, because counting a million rows takes 50 ms. */
  #counts = noJobs()
  /** The counts as they were before the open transaction. */
  #committedCounts = noJobs()
  /** What waits for the commit; null when no transaction is open. */
  #uncommitted: Uncommitted[] | null = null

  /** A field that `retention` does not have is read from the file. */
  constructor(file: JobFile, feed: JobFeed, retention: Retention = {}) {
    super()
    this.#file = file
    this.#feed = feed
    this.#wantedRetention = retention
  }

  protected override onStart(): void {
    this.#database = this.#file.open()
    this.#recount()
    this.#retention = { ...retentionOf(this.#database), ...this.#wantedRetention }
    if (Object.values(this.#retention).some((limit) => limit !== Infinity))
      this.ctx.every(sweepTime, () => this.#sweep())
  }

  protected override onStop(): void {
    try {
      this.#commit()
    } finally {
      this.#file.close()
    }
  }

  /** The new job, or the one that holds its key. */
  add(request: JobRequest): ReplyPort<{ job: Job; isNew: boolean }> {
    const { kind, payload, priority, delay, timeout, retries, key, keep } = request
    return this.#write(() => {
      const now = Date.now()
      const holder = key === null ? null : this.#holderOf(key)
      if (holder !== null) {
        if (!hasLetGo(holder, now)) return { job: holder, isNew: false }
        this.#row('UPDATE jobs SET heldKey = NULL WHERE id = ?', holder.id)
      }
      const job = this.#row(
        `INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, key, heldKey, keep, state, attempts, allowed, createdAt, notBefore)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, ?, ?, ?) RETURNING ${columns}`,
        kind,
        payload,
        priority,
        delay,
        timeout,
        retries,
        key,
        key,
        keep,
        retries + 1,
        now,
        now + delay,
      )
      this.#counts.queued++
      return { job: job as Job, isNew: true }
    })
  }

  /** Begins an attempt, and counts it before: an attempt that a crash cuts short has been one. */
  begin(id: number): ReplyPort<Job> {
    return this.#update(`state = 'running', attempts = attempts + 1, startedAt = ?`, id, Date.now())
  }

  /** Ends an attempt, and the job with it. */
  end(
    id: number,
    state: JobState,
    outcome: { result?: string; error?: string } = {},
  ): ReplyPort<Job> {
    this.#outputs.delete(id)
    const { result = null, error = null } = outcome
    return this.#update(
      'state = ?, result = ?, error = ?, endedAt = ?',
      id,
      state,
      result,
      error,
      Date.now(),
    )
  }

  /** Ends an attempt that failed: the job begins again after `delay` milliseconds, or has failed when it has no attempt left. */
  fail(id: number, error: string, delay: number): ReplyPort<Job> {
    this.#outputs.delete(id)
    const now = Date.now()
    return this.#update(
      `state = CASE WHEN attempts < allowed THEN 'queued' ELSE 'failed' END, error = ?, notBefore = ?,
       endedAt = CASE WHEN attempts < allowed THEN NULL ELSE ? END`,
      id,
      error,
      now + delay,
      now,
    )
  }

  /** Ends an attempt that its worker did not live through: the job is to begin again. */
  requeue(id: number): ReplyPort<Job> {
    return this.#update(`state = 'queued'`, id)
  }

  /**
   * A job that ended in one of `states` begins anew, with as many attempts as at first beside those it had. `job` is
   * null when it did not: `before` says why, or `keyHolder`, the job that has its key by now.
   */
  revive(id: number, states: readonly JobState[]): ReplyPort<Revival> {
    return this.#write(() => {
      const before = this.#find(id)
      if (before === null || !states.includes(before.state))
        return { before, job: null, keyHolder: null }
      const holder = before.key === null ? null : this.#holderOf(before.key)
      if (holder !== null && holder.id !== id) {
        if (!hasLetGo(holder, Date.now())) return { before, job: null, keyHolder: holder.id }
        this.#row('UPDATE jobs SET heldKey = NULL WHERE id = ?', holder.id)
      }
      const job = this.#row(
        `UPDATE jobs SET state = 'queued', allowed = attempts + retries + 1, deaths = 0, result = NULL, error = NULL,
         notBefore = ?, endedAt = NULL, heldKey = key WHERE id = ? RETURNING ${columns}`,
        Date.now(),
        id,
      ) as Job
      this.#counts[before.state]--
      this.#counts.queued++
      return { before, job, keyHolder: null }
    })
  }

  /** After a restart of the scheduler: jobs that ran are queued again. */
  requeueRunning(): ReplyPort<void> {
    return this.#write(() => {
      this.#row(`UPDATE jobs SET state = 'queued' WHERE state = 'running'`)
      this.#counts.queued += this.#counts.running
      this.#counts.running = 0
    })
  }

  /** At most `limit` queued jobs with a number greater than `after`, the oldest first. */
  queued(after: number, limit: number): ReplyPort<StoredQueuedJob[]> {
    const sql = `SELECT id, kind, priority, delay, attempts, deaths, notBefore FROM jobs WHERE state = 'queued' AND id > ? ORDER BY id LIMIT ?`
    return this.#read(() => this.#statement(sql).all(after, limit) as unknown as StoredQueuedJob[])
  }

  /** The wall clock has stepped by `ms`: the times of what waits move with it, so that the waits stay as long as they were. */
  shiftDelays(ms: number): ReplyPort<void> {
    return this.#write(() => {
      this.#row(
        `UPDATE jobs SET notBefore = notBefore + ? WHERE state = 'queued' AND notBefore > ?`,
        ms,
        Date.now() - ms,
      )
    })
  }

  setting(name: string): ReplyPort<string | null> {
    return this.#read(() => {
      const row = this.#statement('SELECT value FROM settings WHERE name = ?').get(name)
      return row === undefined ? null : String(row['value'])
    })
  }

  set(name: string, value: string): ReplyPort<void> {
    return this.#write(() => {
      this.#row('INSERT OR REPLACE INTO settings VALUES (?, ?)', name, value)
    })
  }

  /** Deletes those of the jobs whose state is final, with their output; answers with their numbers. */
  delete(ids: readonly number[]): ReplyPort<number[]> {
    const port = this.ctx.reply<number[]>()
    let deleted: number[] = []
    this.#do(() => (deleted = this.#delete(ids)), {
      settle: () => {
        this.#feed.publish({ type: 'deleted', ids: deleted })
        port.resolve(deleted)
      },
      fail: (error) => port.reject(error),
    })
    return port
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
  list(filter: JobFilter, limit: number): ReplyPort<Job[]> {
    const { where, values } = conditionsOf(filter)
    const sql = `SELECT ${shortColumns} FROM jobs ${where} ORDER BY id DESC LIMIT ?`
    return this.#read(() => this.#statement(sql).all(...values, limit) as unknown as Job[])
  }

  /** The numbers of the jobs in `states` that a filter leaves, after the number `after`, the oldest first. */
  matching(
    filter: JobFilter,
    states: readonly JobState[],
    after: number,
    limit: number,
  ): ReplyPort<number[]> {
    const { where, values } = conditionsOf(filter, [
      'id > ?',
      `state IN (${states.map((state) => `'${state}'`).join(', ')})`,
    ])
    const sql = `SELECT id FROM jobs ${where} ORDER BY id LIMIT ?`
    return this.#read(() =>
      this.#statement(sql)
        .all(after, ...values, limit)
        .map((row) => Number(row['id'])),
    )
  }

  counts(): ReplyPort<Record<JobState, number>> {
    return this.#read(() => ({ ...this.#counts }))
  }

  #recount(): void {
    this.#counts = noJobs()
    const rows = this.#statement('SELECT state, count(*) AS n FROM jobs GROUP BY state').all()
    for (const row of rows) this.#counts[String(row['state']) as JobState] = Number(row['n'])
    this.#committedCounts = { ...this.#counts }
  }

  #holderOf(key: string): Job | null {
    return this.#row(`SELECT ${columns} FROM jobs WHERE heldKey = ?`, key) as Job | null
  }

  #delete(ids: readonly number[]): number[] {
    const list = JSON.stringify(ids)
    const gone = this.#statement(
      `DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?)) AND endedAt IS NOT NULL RETURNING id, state`,
    ).all(list) as unknown as { id: number; state: JobState }[]
    for (const { state } of gone) this.#counts[state]--
    const deleted = gone.map(({ id }) => id)
    this.#row(
      'DELETE FROM outputs WHERE job IN (SELECT value FROM json_each(?))',
      JSON.stringify(deleted),
    )
    return deleted
  }

  /** Deletes what the retention does not keep, a batch at a time, so that a client never waits for more than one batch. */
  #sweep(): void {
    const surplus = surplusJobs(this.#database, this.#retention, this.#counts, sweepBatch)
    if (surplus.length === 0) return
    this.#do(() => this.#delete(surplus), {
      settle: () => {
        this.#feed.publish({ type: 'deleted', ids: surplus })
        this.ctx.after(0, () => this.#sweep())
      },
      // The next sweep tries again.
      fail: () => {},
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
    return this.#write(() => {
      const before = this.#row('SELECT state FROM jobs WHERE id = ?', id) as { state: JobState }
      const job = this.#row(sql, ...values, id) as Job
      this.#counts[before.state]--
      this.#counts[job.state]++
      return job
    })
  }

  /** Answers a read. During an open transaction the answer waits for the commit, because nobody may see uncommitted changes. */
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

  /** Does a write in the open transaction; its caller gets the answer after the commit. */
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
        // The messages that are in the mailbox already are handled before this timer, and join the transaction.
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
    this.#committedCounts = { ...this.#counts }
    for (const { settle } of all) settle()
    this.#returnPages()
  }

  #returnPages(): void {
    if (numberOf(this.#database, 'freelist_count') < mostUnusedPages) return
    try {
      this.#database.exec(`PRAGMA incremental_vacuum(${returnedPages})`)
    } catch (error) {
      // The disk is full or the file is read-only. A later commit tries it again.
      this.ctx.log.debug(`no pages were given back: ${String(error)}`)
    }
  }

  /** Rolls the transaction back, and fails every request that waits for its commit. */
  #fail(error: unknown, all: Uncommitted[]): void {
    this.#uncommitted = null
    this.#counts = { ...this.#committedCounts }
    if (!(error instanceof Error) || !('errcode' in error)) throw error
    // Some failures of SQLite have rolled the transaction back already.
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    const failure = new StoreError(error)
    for (const { fail } of all) fail(failure)
    // After any other failure the file is opened anew.
    if (!isPassingFailure({ errcode: Number(error.errcode) })) throw error
    this.ctx.log.warn(failure.message)
  }
}

/** Whether a job that held its key has ended for so long that the key is free again. */
function hasLetGo({ state, keep, endedAt }: Job, now: number): boolean {
  return finalStates.has(state) && keep !== null && now >= (endedAt ?? 0) + keep
}

function conditionsOf(
  { state, kind, key, older }: JobFilter,
  more: readonly string[] = [],
): { where: string; values: SQLInputValue[] } {
  const conditions = [...more]
  const values: SQLInputValue[] = []
  const add = (condition: string, value: SQLInputValue | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    values.push(value)
  }
  add('state = ?', state)
  add('kind = ?', kind)
  add('key = ?', key)
  add('createdAt < ?', older === undefined ? undefined : Date.now() - older)
  return { where: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`, values }
}
