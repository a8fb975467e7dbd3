import type { DatabaseSync } from 'node:sqlite'
import { Actor, type ReplyPort } from '@tasktree/actor'
import type { AttemptRecord, Job, JobFilter, JobRequest, JobState } from '../jobs/job.ts'
import type { StoredResult } from '../jobs/stored-value.ts'
import { attemptsOf } from './attempt-rows.ts'
import { GroupCommit } from './group-commit.ts'
import { HeldOutputs } from './held-outputs.ts'
import type { JobFeed } from './job-feed.ts'
import type { JobFile } from './job-file.ts'
import { JobOutputs, type Output } from './job-outputs.ts'
import { type JobTable, readTable, type TableQuery } from './job-pages.ts'
import { type Added, JobRecords } from './job-records.ts'
import type { Revival, StoredQueuedJob } from './job-rows.ts'
import { type Retention, retentionOf, surplusJobs } from './retention.ts'
import {
  advanceSchedule,
  isInterval,
  listSchedules,
  putSchedule,
  removeSchedule,
  type Schedule,
  type ScheduleRequest,
} from './schedule-rows.ts'
import { numberOf } from './schema.ts'
import { Statements } from './statements.ts'

/**
 * Milliseconds between two searches for jobs that need not be kept, and how many of them are deleted in one
 * transaction.
 */
const sweepTime = 1_000
const sweepBatch = 500

/** Output is written after this many milliseconds, or when this many characters wait. */
const holdTime = 20
const mostHeld = 524_288

/** When the jobs' file has `mostUnusedPages` unused pages, it is shortened by `returnedPages` after each commit. */
const mostUnusedPages = 2_000
const returnedPages = 1_000

/** The beginning of a job of a kind with a rate. `at` is in `Date.now()` milliseconds. */
export interface Begin {
  at: number
  kind: string
  group: string | null
}

/**
 * The actor that reads the jobs' file. While it runs, nothing else writes the file. Writes that arrive together are
 * committed together. A request is answered after the commit of all writes before it, so that every answer that a client
 * got survives a crash. The output of a job is sent to the pages before its commit.
 */
export class Store extends Actor {
  readonly #file: JobFile
  readonly #feed: JobFeed
  readonly #wantedRetention: Retention
  #database!: DatabaseSync
  #statements!: Statements
  #jobs!: JobRecords
  #outputs!: JobOutputs
  readonly #held = new HeldOutputs()
  #nextWrite: Disposable | null = null
  #retention!: Retention
  #transactions!: GroupCommit

  /** A property that is missing in `retention` is read from the jobs' file. */
  constructor(file: JobFile, feed: JobFeed, retention: Retention = {}) {
    super()
    this.#file = file
    this.#feed = feed
    this.#wantedRetention = retention
  }

  protected override onStart(): void {
    this.#database = this.#file.open()
    this.#statements = new Statements(this.#database)
    this.#jobs = new JobRecords(this.#statements)
    this.#outputs = new JobOutputs(this.#statements)
    this.#transactions = new GroupCommit(this.#database, this.ctx, {
      committed: () => {
        this.#jobs.committed()
        this.#returnPages()
      },
      rolledBack: () => {
        this.#jobs.rolledBack()
        this.#outputs.rolledBack()
      },
    })
    this.#retention = { ...retentionOf(this.#database), ...this.#wantedRetention }
    if (Object.values(this.#retention).some((limit) => limit !== Infinity)) this.#sweepLater()
  }

  protected override onStop(): void {
    try {
      this.#writeOutputs()
      this.#transactions.commit()
    } finally {
      this.#file.close()
    }
  }

  /** Adds a job. Answers with the job, or with the existing job that blocks its key. */
  add(request: JobRequest): ReplyPort<Added> {
    return this.#transactions.write(() => this.#jobs.add(request))
  }

  /** Answers with the number of the job that blocks the key; null if no job blocks it. */
  keyHolder(key: string): ReplyPort<number | null> {
    return this.#transactions.read(() => this.#jobs.keyHolder(key))
  }

  /**
   * Stores the beginning of an attempt. If `isRated` is true, the kind of the job has a rate, and the time of the
   * beginning is stored too. Without this time more jobs than the rate allows could begin after a restart.
   */
  begin(id: number, isRated = false): ReplyPort<Job> {
    const now = Date.now()
    return this.#transactions.write(() => {
      const job = this.#jobs.begin(id, now)
      const { kind, group } = job
      if (isRated) this.#statements.row('INSERT INTO begins VALUES (?, ?, ?)', now, kind, group)
      return job
    })
  }

  /** Returns when the jobs of kinds with a limited rate began, the oldest first. */
  begins(): ReplyPort<Begin[]> {
    const sql = 'SELECT at, kind, "group" FROM begins ORDER BY at'
    return this.#transactions.read(() => this.#statements.rows(sql) as Begin[])
  }

  /** Deletes the beginnings before the time `before`. */
  forgetBegins(before: number): ReplyPort<void> {
    return this.#transactions.write(() => {
      this.#statements.row('DELETE FROM begins WHERE at < ?', before)
    })
  }

  /** Returns the results of the steps that earlier attempts of a job committed. */
  steps(id: number): ReplyPort<[name: string, text: string][]> {
    const sql = 'SELECT name, result FROM steps WHERE job = ?'
    return this.#transactions.read(() => {
      const rows = this.#statements.rows(sql, id) as { name: string; result: string }[]
      return rows.map(({ name, result }) => [name, result])
    })
  }

  /** Stores the result of a step. Answers after the commit. */
  saveStep(id: number, name: string, text: string): ReplyPort<void> {
    return this.#transactions.write(() => {
      this.#statements.row('INSERT OR REPLACE INTO steps VALUES (?, ?, ?)', id, name, text)
    })
  }

  schedules(): ReplyPort<Schedule[]> {
    return this.#transactions.read(() => listSchedules(this.#database))
  }

  putSchedule(schedule: ScheduleRequest, nextAt: number | null): ReplyPort<void> {
    return this.#transactions.write(() => putSchedule(this.#database, schedule, nextAt))
  }

  /** Deletes a schedule. Answers with whether there was one of this name. */
  removeSchedule(name: string): ReplyPort<boolean> {
    return this.#transactions.write(() => removeSchedule(this.#database, name))
  }

  /**
   * Adds the jobs of a schedule for the times `due`, and stores `nextAt` as its next time. One transaction does both,
   * so that after a crash either both are stored or neither. Answers with the new jobs.
   *
   * A time of a cron pattern that has its job already gets no second one, because the wall clock may have been set back.
   * A time of an interval moves on by some milliseconds instead, because intervals do not follow the wall clock.
   */
  fire(
    { name, spec, request }: Schedule,
    due: readonly number[],
    nextAt: number | null,
  ): ReplyPort<Job[]> {
    return this.#transactions.write(() => {
      const added = due.map((at) => {
        const scheduledAt = isInterval(spec) ? this.#jobs.freeTime(name, at) : at
        return this.#jobs.add(request, { schedule: name, scheduledAt })
      })
      const job = added.at(-1)?.job.id ?? null
      advanceSchedule(this.#database, name, { nextAt, at: due.at(-1) ?? null, job })
      return added.filter(({ isNew }) => isNew).map((each) => each.job)
    })
  }

  /** Stores that the latest attempt has ended, and the job with it. */
  end(
    id: number,
    state: JobState,
    result: StoredResult = { text: null, type: null },
  ): ReplyPort<Job> {
    this.#closeOutput(id)
    return this.#transactions.write(() => this.#jobs.end(id, state, result))
  }

  /**
   * Stores that an attempt has failed. The job is queued again and may begin after `delay` milliseconds, or it has
   * failed if it has no attempt left.
   */
  fail(id: number, error: string, delay: number): ReplyPort<Job> {
    this.#closeOutput(id)
    return this.#transactions.write(() => this.#jobs.fail(id, error, delay))
  }

  /** Stores that an attempt was lost because its worker ended. The job is queued again. */
  requeue(id: number): ReplyPort<Job> {
    this.#closeOutput(id)
    return this.#transactions.write(() => this.#jobs.requeue(id, 'its worker was restarted'))
  }

  /** Queues a job again whose state is one of `states`. */
  revive(id: number, states: readonly JobState[]): ReplyPort<Revival> {
    return this.#transactions.write(() => this.#jobs.revive(id, states))
  }

  /** Called when a scheduler starts. Queues the jobs again that ran under the scheduler before it. */
  requeueRunning(): ReplyPort<void> {
    return this.#transactions.write(() =>
      this.#jobs.requeueRunning('a part of the server was restarted'),
    )
  }

  /** Returns at most `limit` queued jobs with a number greater than `after`, the oldest first. */
  queued(after: number, limit: number): ReplyPort<StoredQueuedJob[]> {
    return this.#transactions.read(() => this.#jobs.queued(after, limit))
  }

  /** Called when the wall clock was set by `ms`. Moves the times of waiting and of running jobs by the same step. */
  shiftTimes(ms: number): ReplyPort<void> {
    return this.#transactions.write(() => this.#jobs.shiftTimes(ms))
  }

  setting(name: string): ReplyPort<string | null> {
    return this.#transactions.read(() => {
      const row = this.#statements.row('SELECT value FROM settings WHERE name = ?', name)
      return (row as { value: string } | null)?.value ?? null
    })
  }

  set(name: string, value: string): ReplyPort<void> {
    return this.#transactions.write(() => {
      this.#statements.row('INSERT OR REPLACE INTO settings VALUES (?, ?)', name, value)
    })
  }

  /** Deletes the given jobs whose state is final. Answers with the numbers of the deleted jobs. */
  delete(ids: readonly number[]): ReplyPort<number[]> {
    const port = this.ctx.reply<number[]>()
    let deleted: number[] = []
    this.#transactions.do(() => (deleted = this.#jobs.delete(ids)), {
      settle: () => {
        this.#feed.publish({ type: 'deleted', ids: deleted })
        port.resolve(deleted)
      },
      fail: (error) => port.reject(error),
    })
    return port
  }

  /** Stores a part of an attempt's output. Of long output only the beginning and the end are stored. */
  append(id: number, attempt: number, text: string): void {
    this.#held.add(id, attempt, text)
    if (this.#held.length >= mostHeld) this.#writeOutputs()
    else this.#nextWrite ??= this.ctx.after(holdTime, () => this.#writeOutputs())
  }

  #writeOutputs(): void {
    this.#nextWrite?.[Symbol.dispose]()
    this.#nextWrite = null
    const held = this.#held.take()
    if (held.length === 0) return
    this.#transactions.do(
      () => {
        for (const { job, attempt, text } of held) {
          const offset = this.#outputs.append(job, attempt, text)
          this.#feed.publish({ type: 'output', id: job, attempt, text, offset })
        }
      },
      {
        settle: () => {},
        fail: (error) => {
          const jobs = [...new Set(held.map(({ job }) => job))].join(', ')
          this.ctx.log.warn(`output of job ${jobs} is lost: ${error.message}`)
        },
      },
    )
  }

  /** Called when an attempt has ended. Writes the rest of its output. */
  #closeOutput(id: number): void {
    this.#writeOutputs()
    this.#outputs.close(id)
  }

  /**
   * Returns the output of an attempt, or, if `attempt` is null, of the latest attempt. Answers with null if there is no
   * such job, or if the job has not had that attempt.
   */
  output(id: number, attempt: number | null = null): ReplyPort<Output | null> {
    this.#writeOutputs()
    return this.#transactions.read(() => {
      const job = this.#jobs.find(id)
      if (job === null || (attempt ?? 0) > job.attempts) return null
      return this.#outputs.read(id, attempt ?? job.attempts)
    })
  }

  /** Returns the stored attempts of a job, the earliest first; null if there is no such job. */
  attempts(id: number): ReplyPort<AttemptRecord[] | null> {
    this.#writeOutputs()
    return this.#transactions.read(() => {
      const job = this.#jobs.find(id)
      return job === null ? null : attemptsOf(job, this.#statements, this.#outputs)
    })
  }

  get(id: number): ReplyPort<Job | null> {
    return this.#transactions.read(() => this.#jobs.find(id))
  }

  /** Returns the jobs that match a filter, the newest first, with long texts shortened. */
  list(filter: JobFilter, limit: number): ReplyPort<Job[]> {
    return this.#transactions.read(() => this.#jobs.list(filter, limit))
  }

  /** Returns a page of the jobs that match a filter, and how many of them are in each state. */
  table(query: TableQuery): ReplyPort<JobTable> {
    return this.#transactions.read(() => readTable(this.#database, query, this.#jobs.counts))
  }

  /**
   * Returns the numbers of at most `limit` jobs that match a filter, are in one of `states`, and have a number greater
   * than `after`, the oldest first.
   */
  matching(
    filter: JobFilter,
    states: readonly JobState[],
    after: number,
    limit: number,
  ): ReplyPort<number[]> {
    return this.#transactions.read(() => this.#jobs.matching(filter, states, after, limit))
  }

  /** How many jobs are in each state. */
  counts(): ReplyPort<Record<JobState, number>> {
    return this.#transactions.read(() => ({ ...this.#jobs.counts }))
  }

  #sweepLater(): void {
    this.ctx.after(sweepTime, () => this.#sweep())
  }

  /**
   * Deletes the jobs that the retention does not keep. Each call deletes one batch of jobs, and the next call follows
   * the commit of the batch, so that a client never waits for more than one batch.
   */
  #sweep(): void {
    const surplus = surplusJobs(this.#database, this.#retention, this.#jobs.counts, sweepBatch)
    if (surplus.length === 0) {
      this.#sweepLater()
      return
    }
    this.#transactions.do(() => this.#jobs.delete(surplus), {
      settle: () => {
        this.#feed.publish({ type: 'deleted', ids: surplus })
        this.ctx.after(0, () => this.#sweep())
      },
      fail: () => this.#sweepLater(),
    })
  }

  #returnPages(): void {
    if (numberOf(this.#database, 'freelist_count') < mostUnusedPages) return
    try {
      this.#database.exec(`PRAGMA incremental_vacuum(${returnedPages})`)
    } catch (error) {
      // The disk is full or the jobs' file is read-only. A later commit tries again to shorten it.
      this.ctx.log.debug(`no pages were given back: ${String(error)}`)
    }
  }
}
