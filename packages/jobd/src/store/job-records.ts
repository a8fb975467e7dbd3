import type { SQLInputValue } from 'node:sqlite'
import type { Job, JobFilter, JobRequest, JobState } from '../jobs/job.ts'
import type { StoredResult } from '../jobs/stored-value.ts'
import { attemptColumns, keepAsLost, keptAttempts } from './attempt-rows.ts'
import {
  columns,
  conditionsOf,
  hasLetGo,
  noJobs,
  type Revival,
  shortColumns,
  type StoredQueuedJob,
} from './job-rows.ts'
import type { Statements } from './statements.ts'

/** The result of adding a job: the new job, or the existing job that prevented it. */
export interface Added {
  job: Job
  isNew: boolean
}

/** The schedule that adds a job, and the time of the schedule for which it adds the job. */
export interface ScheduledTime {
  schedule: string
  scheduledAt: number
}

/** The tables, besides `jobs`, that have rows for a job. */
const tablesOfJob = ['outputs', 'steps', 'attempts']

/** Reads and changes the jobs of the jobs' file. Methods that change something must be called in a transaction. */
export class JobRecords {
  readonly #statements: Statements
  /**
   * How many jobs are in each state. The numbers are updated with each change, because counting a million rows takes 50
   * ms.
   */
  #counts = noJobs()
  /** The counts as they were before the open transaction. */
  #committedCounts = noJobs()

  constructor(statements: Statements) {
    this.#statements = statements
    const rows = statements.rows('SELECT state, count(*) AS n FROM jobs GROUP BY state')
    for (const { state, n } of rows as { state: JobState; n: number }[]) this.#counts[state] = n
    this.committed()
  }

  committed(): void {
    this.#committedCounts = { ...this.#counts }
  }

  rolledBack(): void {
    this.#counts = { ...this.#committedCounts }
  }

  /** How many jobs are in each state. */
  get counts(): Readonly<Record<JobState, number>> {
    return this.#counts
  }

  find(id: number): Job | null {
    return this.#statements.row(`SELECT ${columns} FROM jobs WHERE id = ?`, id) as Job | null
  }

  /** Returns the jobs that match a filter, the newest first, with long texts shortened. */
  list(filter: JobFilter, limit: number): Job[] {
    const { where, values } = conditionsOf(filter)
    const sql = `SELECT ${shortColumns} FROM jobs ${where} ORDER BY id DESC LIMIT ?`
    return this.#statements.rows(sql, ...values, limit) as Job[]
  }

  /** Returns at most `limit` queued jobs with a number greater than `after`, the oldest first. */
  queued(after: number, limit: number): StoredQueuedJob[] {
    const sql = `SELECT id, kind, "group", priority, delay, attempts, deaths, notBefore FROM jobs WHERE state = 'queued' AND id > ? ORDER BY id LIMIT ?`
    return this.#statements.rows(sql, after, limit) as StoredQueuedJob[]
  }

  /**
   * Returns the numbers of at most `limit` jobs that match a filter, are in one of `states`, and have a number greater
   * than `after`, the oldest first.
   */
  matching(filter: JobFilter, states: readonly JobState[], after: number, limit: number): number[] {
    const { where, values } = conditionsOf(filter, [
      'id > ?',
      `state IN (${states.map((state) => `'${state}'`).join(', ')})`,
    ])
    const sql = `SELECT id FROM jobs ${where} ORDER BY id LIMIT ?`
    const rows = this.#statements.rows(sql, after, ...values, limit) as { id: number }[]
    return rows.map(({ id }) => id)
  }

  /**
   * Adds a job, and returns it. If another job blocks the key, or if the schedule has a job for this time already,
   * returns that job instead.
   */
  add(request: JobRequest, time: ScheduledTime | null = null): Added {
    const { key } = request
    const now = Date.now()
    const twin = time === null ? null : this.#scheduledFor(time)
    if (twin !== null) return { job: twin, isNew: false }
    const holder = key === null ? null : this.#holderOf(key)
    if (holder !== null) {
      if (!hasLetGo(holder, now)) return { job: holder, isNew: false }
      this.#letGo(holder)
    }
    const sql = `INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, key, heldKey, keep, "group",
        state, attempts, allowed, createdAt, notBefore, schedule, scheduledAt)
      VALUES (:kind, :payload, :priority, :delay, :timeout, :retries, :key, :key, :keep, :group,
        'queued', 0, :retries + 1, :now, :now + :delay, :schedule, :scheduledAt) RETURNING ${columns}`
    const { schedule, scheduledAt } = time ?? { schedule: null, scheduledAt: null }
    const job = this.#statements.rowOf(sql, { ...request, now, schedule, scheduledAt }) as Job
    this.#counts.queued++
    return { job, isNew: true }
  }

  /** Returns the number of the job that blocks the key; null if no job blocks it. */
  keyHolder(key: string): number | null {
    const holder = this.#holderOf(key)
    return holder === null || hasLetGo(holder, Date.now()) ? null : holder.id
  }

  /** Returns the first time, `at` or a later one, for which the schedule has added no job. */
  freeTime(schedule: string, at: number): number {
    let time = at
    while (this.#scheduledFor({ schedule, scheduledAt: time }) !== null) time++
    return time
  }

  /** Called before an attempt begins. The attempt is counted here, so that it also counts if a crash interrupts it. */
  begin(id: number, now: number): Job {
    const job = this.#update(`state = 'running', attempts = attempts + 1, startedAt = ?`, id, now)
    if (job.attempts > keptAttempts) this.#forgetAttempts(id, job.attempts - keptAttempts)
    return job
  }

  /** Called when the latest attempt has ended, and the job has ended with it. */
  end(id: number, state: JobState, { text, type }: StoredResult): Job {
    return this.#update(
      'state = ?, result = ?, resultType = ?, error = NULL, endedAt = ?',
      id,
      state,
      text,
      type,
      Date.now(),
    )
  }

  /**
   * Called when an attempt has failed. The job is queued again and may begin after `delay` milliseconds, or it has
   * failed if it has no attempt left.
   */
  fail(id: number, error: string, delay: number): Job {
    const now = Date.now()
    const job = this.#update(
      `state = CASE WHEN attempts < allowed THEN 'queued' ELSE 'failed' END, error = ?, notBefore = ?,
       endedAt = CASE WHEN attempts < allowed THEN NULL ELSE ? END`,
      id,
      error,
      now + delay,
      now,
    )
    if (job.state === 'queued')
      this.#statements.row(
        `INSERT OR REPLACE INTO attempts (${attemptColumns})
         SELECT id, attempts, 'failed', startedAt, ?, error FROM jobs WHERE id = ?`,
        now,
        id,
      )
    return job
  }

  /** Called when an attempt was lost because of `reason`. The job is queued again. */
  requeue(id: number, reason: string): Job {
    this.#statements.row(keepAsLost('id = ?'), Date.now(), reason, id)
    return this.#update(`state = 'queued'`, id)
  }

  /** Called when all running attempts were lost because of `reason`. Their jobs are queued again. */
  requeueRunning(reason: string): void {
    this.#statements.row(keepAsLost(`state = 'running'`), Date.now(), reason)
    this.#statements.row(`UPDATE jobs SET state = 'queued' WHERE state = 'running'`)
    this.#counts.queued += this.#counts.running
    this.#counts.running = 0
  }

  /**
   * Queues a job again whose state is one of `states`. It gets as many attempts as a new job. If the job is not queued,
   * `job` in the result is null, and the reason is either in `before`, the job as it is, or in `keyHolder`, the job
   * that has the key now.
   */
  revive(id: number, states: readonly JobState[]): Revival {
    const before = this.find(id)
    if (before === null || !states.includes(before.state))
      return { before, job: null, keyHolder: null }
    const holder = before.key === null ? null : this.#holderOf(before.key)
    if (holder !== null && holder.id !== id) {
      if (!hasLetGo(holder, Date.now())) return { before, job: null, keyHolder: holder.id }
      this.#letGo(holder)
    }
    // If the job was cancelled between two attempts, its last attempt is in the table already.
    this.#statements.row(
      `INSERT OR IGNORE INTO attempts (${attemptColumns})
       SELECT id, attempts, state, startedAt, endedAt, error FROM jobs WHERE id = ? AND attempts > 0`,
      id,
    )
    const job = this.#statements.row(
      `UPDATE jobs SET state = 'queued', allowed = attempts + retries + 1, deaths = 0, result = NULL, resultType = NULL, error = NULL,
       notBefore = ?, endedAt = NULL, heldKey = key WHERE id = ? RETURNING ${columns}`,
      Date.now(),
      id,
    ) as Job
    // A job that was done begins without stored steps. A job that has failed keeps the results of its steps.
    if (before.state === 'done') this.#statements.row('DELETE FROM steps WHERE job = ?', id)
    this.#counts[before.state]--
    this.#counts.queued++
    return { before, job, keyHolder: null }
  }

  /**
   * Called when the wall clock was set forward by `ms`, or back if `ms` is negative. Moves the times of waiting jobs by
   * the same step, so that they wait as long as before. Moves the beginnings of running attempts too, so that the time
   * between the beginning and the end of an attempt is the time that it took.
   */
  shiftTimes(ms: number): void {
    this.#statements.row(
      `UPDATE jobs SET notBefore = notBefore + ? WHERE state = 'queued' AND notBefore > ?`,
      ms,
      Date.now() - ms,
    )
    this.#statements.row(`UPDATE jobs SET startedAt = startedAt + ? WHERE state = 'running'`, ms)
  }

  /**
   * Deletes the given jobs whose state is final, with their outputs, steps and attempts. Returns the numbers of the
   * deleted jobs.
   */
  delete(ids: readonly number[]): number[] {
    const gone = this.#statements.rows(
      `DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?)) AND endedAt IS NOT NULL RETURNING id, state`,
      JSON.stringify(ids),
    ) as { id: number; state: JobState }[]
    for (const { state } of gone) this.#counts[state]--
    const deleted = gone.map(({ id }) => id)
    for (const table of tablesOfJob)
      this.#statements.row(
        `DELETE FROM ${table} WHERE job IN (SELECT value FROM json_each(?))`,
        JSON.stringify(deleted),
      )
    return deleted
  }

  #forgetAttempts(id: number, upTo: number): void {
    for (const table of ['outputs', 'attempts'])
      this.#statements.row(`DELETE FROM ${table} WHERE job = ? AND attempt <= ?`, id, upTo)
  }

  #scheduledFor({ schedule, scheduledAt }: ScheduledTime): Job | null {
    const sql = `SELECT ${columns} FROM jobs WHERE schedule = ? AND scheduledAt = ?`
    return this.#statements.row(sql, schedule, scheduledAt) as Job | null
  }

  /** Returns the job that has the key. It does not block the key any more if the time to keep the key has passed. */
  #holderOf(key: string): Job | null {
    const sql = `SELECT ${columns} FROM jobs WHERE heldKey = ?`
    return this.#statements.row(sql, key) as Job | null
  }

  #letGo({ id }: Job): void {
    this.#statements.row('UPDATE jobs SET heldKey = NULL WHERE id = ?', id)
  }

  #update(change: string, id: number, ...values: SQLInputValue[]): Job {
    const before = this.#statements.row('SELECT state FROM jobs WHERE id = ?', id) as {
      state: JobState
    }
    const sql = `UPDATE jobs SET ${change} WHERE id = ? RETURNING ${columns}`
    const job = this.#statements.row(sql, ...values, id) as Job
    this.#counts[before.state]--
    this.#counts[job.state]++
    return job
  }
}
