import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { Actor, type ReplyPort } from '@tasktree/actor'
import type { Job, JobFilter, JobRequest, JobState } from '../jobs/job.ts'
import type { StoredResult } from '../jobs/stored-value.ts'
import { GroupCommit } from './group-commit.ts'
import type { JobFeed } from './job-feed.ts'
import type { JobFile } from './job-file.ts'
import {
  columns,
  conditionsOf,
  hasLetGo,
  noJobs,
  type Revival,
  shortColumns,
  type StoredQueuedJob,
} from './job-rows.ts'
import { type JobTable, readTable, type TableQuery } from './job-pages.ts'
import { type Retention, retentionOf, surplusJobs } from './retention.ts'
import {
  advanceSchedule,
  listSchedules,
  putSchedule,
  removeSchedule,
  type Schedule,
  type ScheduleRequest,
} from './schedule-rows.ts'
import { numberOf } from './schema.ts'

/** How many characters of one job's output are kept; the rest is left out. */
const mostOutput = 1_048_576

/** Milliseconds between two looks for jobs that need not be kept, and how many are deleted in one transaction. */
const sweepTime = 1_000
const sweepBatch = 500

/** Unused pages are given back to the file system when there are this many, this many after one commit. */
const mostUnusedPages = 2_000
const returnedPages = 1_000

/** A job, and whether it was added just now. */
export interface Added {
  job: Job
  isNew: boolean
}

/** When a job of a kind with a rate has begun, in `Date.now()` milliseconds. */
export interface Begin {
  at: number
  kind: string
  group: string | null
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
  #transactions!: GroupCommit

  /** A field that `retention` does not have is read from the file. */
  constructor(file: JobFile, feed: JobFeed, retention: Retention = {}) {
    super()
    this.#file = file
    this.#feed = feed
    this.#wantedRetention = retention
  }

  protected override onStart(): void {
    this.#database = this.#file.open()
    this.#transactions = new GroupCommit(this.#database, this.ctx, {
      committed: () => {
        this.#committedCounts = { ...this.#counts }
        this.#returnPages()
      },
      rolledBack: () => {
        this.#counts = { ...this.#committedCounts }
      },
    })
    this.#recount()
    this.#retention = { ...retentionOf(this.#database), ...this.#wantedRetention }
    if (Object.values(this.#retention).some((limit) => limit !== Infinity))
      this.ctx.every(sweepTime, () => this.#sweep())
  }

  protected override onStop(): void {
    try {
      this.#transactions.commit()
    } finally {
      this.#file.close()
    }
  }

  /** The new job, or the one that holds its key. */
  add(request: JobRequest): ReplyPort<Added> {
    return this.#transactions.write(() => this.#add(request))
  }

  #add(
    request: JobRequest,
    schedule: string | null = null,
    scheduledAt: number | null = null,
  ): Added {
    const { key } = request
    const now = Date.now()
    const twin =
      schedule === null
        ? null
        : this.#row(
            `SELECT ${columns} FROM jobs WHERE schedule = ? AND scheduledAt = ?`,
            schedule,
            scheduledAt,
          )
    if (twin !== null) return { job: twin as Job, isNew: false }
    const holder = key === null ? null : this.#holderOf(key)
    if (holder !== null) {
      if (!hasLetGo(holder, now)) return { job: holder, isNew: false }
      this.#row('UPDATE jobs SET heldKey = NULL WHERE id = ?', holder.id)
    }
    const sql = `INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, key, heldKey, keep, "group",
        state, attempts, allowed, createdAt, notBefore, schedule, scheduledAt)
      VALUES (:kind, :payload, :priority, :delay, :timeout, :retries, :key, :key, :keep, :group,
        'queued', 0, :retries + 1, :now, :now + :delay, :schedule, :scheduledAt) RETURNING ${columns}`
    const job = this.#statement(sql).get({ ...request, now, schedule, scheduledAt })
    this.#counts.queued++
    return { job: job as unknown as Job, isNew: true }
  }

  /**
   * Begins an attempt, and counts it before: an attempt that a crash cuts short has been one. `isRated`: its time is kept,
   * because no restart may let more jobs begin than the rate of their kind allows.
   */
  begin(id: number, isRated = false): ReplyPort<Job> {
    const now = Date.now()
    return this.#update(
      `state = 'running', attempts = attempts + 1, startedAt = ?`,
      id,
      [now],
      (job) => {
        if (isRated) this.#row('INSERT INTO begins VALUES (?, ?, ?)', now, job.kind, job.group)
      },
    )
  }

  /** The times at which jobs of kinds with a rate have begun, the oldest first. */
  begins(): ReplyPort<Begin[]> {
    return this.#transactions.read(
      () =>
        this.#statement(
          'SELECT at, kind, "group" FROM begins ORDER BY at',
        ).all() as unknown as Begin[],
    )
  }

  /** Forgets the times that are older than the longest rate looks back. */
  forgetBegins(before: number): ReplyPort<void> {
    return this.#transactions.write(() => {
      this.#row('DELETE FROM begins WHERE at < ?', before)
    })
  }

  /** The results of the steps that earlier attempts of a job committed. */
  steps(id: number): ReplyPort<[name: string, text: string][]> {
    return this.#transactions.read(() =>
      this.#statement('SELECT name, result FROM steps WHERE job = ?')
        .all(id)
        .map((row) => [String(row['name']), String(row['result'])]),
    )
  }

  /** Answers when it is committed. */
  saveStep(id: number, name: string, text: string): ReplyPort<void> {
    return this.#transactions.write(() => {
      this.#row('INSERT OR REPLACE INTO steps VALUES (?, ?, ?)', id, name, text)
    })
  }

  schedules(): ReplyPort<Schedule[]> {
    return this.#transactions.read(() => listSchedules(this.#database))
  }

  putSchedule(schedule: ScheduleRequest, nextAt: number | null): ReplyPort<void> {
    return this.#transactions.write(() => putSchedule(this.#database, schedule, nextAt))
  }

  /** Whether there was one. */
  removeSchedule(name: string): ReplyPort<boolean> {
    return this.#transactions.write(() => removeSchedule(this.#database, name))
  }

  /**
   * Adds the jobs of a schedule for the times `due`, and moves it on to `nextAt`, in one transaction: after a crash both
   * have happened, or neither. Answers with the jobs that are new.
   */
  fire(
    { name, request }: Schedule,
    due: readonly number[],
    nextAt: number | null,
  ): ReplyPort<Job[]> {
    return this.#transactions.write(() => {
      const added = due.map((at) => this.#add(request, name, at))
      const job = added.at(-1)?.job.id ?? null
      advanceSchedule(this.#database, name, { nextAt, at: due.at(-1) ?? null, job })
      return added.filter(({ isNew }) => isNew).map((each) => each.job)
    })
  }

  /** Ends an attempt, and the job with it. */
  end(
    id: number,
    state: JobState,
    { text, type }: StoredResult = { text: null, type: null },
  ): ReplyPort<Job> {
    this.#outputs.delete(id)
    return this.#update('state = ?, result = ?, resultType = ?, error = NULL, endedAt = ?', id, [
      state,
      text,
      type,
      Date.now(),
    ])
  }

  /** Ends an attempt that failed: the job begins again after `delay` milliseconds, or has failed when it has no attempt left. */
  fail(id: number, error: string, delay: number): ReplyPort<Job> {
    this.#outputs.delete(id)
    const now = Date.now()
    return this.#update(
      `state = CASE WHEN attempts < allowed THEN 'queued' ELSE 'failed' END, error = ?, notBefore = ?,
       endedAt = CASE WHEN attempts < allowed THEN NULL ELSE ? END`,
      id,
      [error, now + delay, now],
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
    return this.#transactions.write(() => {
      const before = this.#find(id)
      if (before === null || !states.includes(before.state))
        return { before, job: null, keyHolder: null }
      const holder = before.key === null ? null : this.#holderOf(before.key)
      if (holder !== null && holder.id !== id) {
        if (!hasLetGo(holder, Date.now())) return { before, job: null, keyHolder: holder.id }
        this.#row('UPDATE jobs SET heldKey = NULL WHERE id = ?', holder.id)
      }
      const job = this.#row(
        `UPDATE jobs SET state = 'queued', allowed = attempts + retries + 1, deaths = 0, result = NULL, resultType = NULL, error = NULL,
         notBefore = ?, endedAt = NULL, heldKey = key WHERE id = ? RETURNING ${columns}`,
        Date.now(),
        id,
      ) as Job
      // A job that is done begins from nothing; one that has failed goes on after the steps that it has taken.
      if (before.state === 'done') this.#row('DELETE FROM steps WHERE job = ?', id)
      this.#counts[before.state]--
      this.#counts.queued++
      return { before, job, keyHolder: null }
    })
  }

  /** After a restart of the scheduler: jobs that ran are queued again. */
  requeueRunning(): ReplyPort<void> {
    return this.#transactions.write(() => {
      this.#row(`UPDATE jobs SET state = 'queued' WHERE state = 'running'`)
      this.#counts.queued += this.#counts.running
      this.#counts.running = 0
    })
  }

  /** At most `limit` queued jobs with a number greater than `after`, the oldest first. */
  queued(after: number, limit: number): ReplyPort<StoredQueuedJob[]> {
    const sql = `SELECT id, kind, "group", priority, delay, attempts, deaths, notBefore FROM jobs WHERE state = 'queued' AND id > ? ORDER BY id LIMIT ?`
    return this.#transactions.read(
      () => this.#statement(sql).all(after, limit) as unknown as StoredQueuedJob[],
    )
  }

  /** The wall clock has stepped by `ms`: the times of what waits move with it, so that the waits stay as long as they were. */
  shiftDelays(ms: number): ReplyPort<void> {
    return this.#transactions.write(() => {
      this.#row(
        `UPDATE jobs SET notBefore = notBefore + ? WHERE state = 'queued' AND notBefore > ?`,
        ms,
        Date.now() - ms,
      )
    })
  }

  setting(name: string): ReplyPort<string | null> {
    return this.#transactions.read(() => {
      const row = this.#statement('SELECT value FROM settings WHERE name = ?').get(name)
      return row === undefined ? null : String(row['value'])
    })
  }

  set(name: string, value: string): ReplyPort<void> {
    return this.#transactions.write(() => {
      this.#row('INSERT OR REPLACE INTO settings VALUES (?, ?)', name, value)
    })
  }

  /** Deletes those of the jobs whose state is final, with their output; answers with their numbers. */
  delete(ids: readonly number[]): ReplyPort<number[]> {
    const port = this.ctx.reply<number[]>()
    let deleted: number[] = []
    this.#transactions.do(() => (deleted = this.#delete(ids)), {
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
    this.#transactions.do(
      () => this.#row('INSERT INTO outputs (job, text) VALUES (?, ?)', id, kept),
      {
        settle: () => {},
        fail: (error) => this.ctx.log.warn(`output of job ${id} is lost: ${error.message}`),
      },
    )
  }

  /** A job's output; null when there is no such job. */
  log(id: number): ReplyPort<string | null> {
    return this.#transactions.read(() => (this.#find(id) === null ? null : this.#outputOf(id)))
  }

  get(id: number): ReplyPort<Job | null> {
    return this.#transactions.read(() => this.#find(id))
  }

  /** The newest first; long texts are cut. */
  list(filter: JobFilter, limit: number): ReplyPort<Job[]> {
    const { where, values } = conditionsOf(filter)
    const sql = `SELECT ${shortColumns} FROM jobs ${where} ORDER BY id DESC LIMIT ?`
    return this.#transactions.read(
      () => this.#statement(sql).all(...values, limit) as unknown as Job[],
    )
  }

  /** A page of the jobs that a filter leaves, and how many of them are in each state. */
  table(query: TableQuery): ReplyPort<JobTable> {
    return this.#transactions.read(() => readTable(this.#database, query, this.#counts))
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
    return this.#transactions.read(() =>
      this.#statement(sql)
        .all(after, ...values, limit)
        .map((row) => Number(row['id'])),
    )
  }

  counts(): ReplyPort<Record<JobState, number>> {
    return this.#transactions.read(() => ({ ...this.#counts }))
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
    for (const table of ['outputs', 'steps'])
      this.#row(
        `DELETE FROM ${table} WHERE job IN (SELECT value FROM json_each(?))`,
        JSON.stringify(deleted),
      )
    return deleted
  }

  /** Deletes what the retention does not keep, a batch at a time, so that a client never waits for more than one batch. */
  #sweep(): void {
    const surplus = surplusJobs(this.#database, this.#retention, this.#counts, sweepBatch)
    if (surplus.length === 0) return
    this.#transactions.do(() => this.#delete(surplus), {
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

  #update(
    change: string,
    id: number,
    values: readonly SQLInputValue[] = [],
    then: (job: Job) => void = () => {},
  ): ReplyPort<Job> {
    const sql = `UPDATE jobs SET ${change} WHERE id = ? RETURNING ${columns}`
    return this.#transactions.write(() => {
      const before = this.#row('SELECT state FROM jobs WHERE id = ?', id) as { state: JobState }
      const job = this.#row(sql, ...values, id) as Job
      this.#counts[before.state]--
      this.#counts[job.state]++
      then(job)
      return job
    })
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
}
