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
  listSchedules,
  putSchedule,
  removeSchedule,
  type Schedule,
  type ScheduleRequest,
} from './schedule-rows.ts'
import { numberOf } from './schema.ts'
import { Statements } from './statements.ts'

/** Milliseconds between two looks for jobs that need not be kept, and how many are deleted in one transaction. */
const sweepTime = 1_000
const sweepBatch = 500

/** Output waits for at most this many milliseconds until it is written, or until this many characters wait. */
const holdTime = 20
const mostHeld = 524_288

/** Unused pages are given back to the file system when there are this many, this many after one commit. */
const mostUnusedPages = 2_000
const returnedPages = 1_000

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
  #database!: DatabaseSync
  #statements!: Statements
  #jobs!: JobRecords
  #outputs!: JobOutputs
  readonly #held = new HeldOutputs()
  #nextWrite: Disposable | null = null
  #retention!: Retention
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
    if (Object.values(this.#retention).some((limit) => limit !== Infinity))
      this.ctx.every(sweepTime, () => this.#sweep())
  }

  protected override onStop(): void {
    try {
      this.#writeOutputs()
      this.#transactions.commit()
    } finally {
      this.#file.close()
    }
  }

  /** Adds a job. Answers with it, or with the job that holds its key. */
  add(request: JobRequest): ReplyPort<Added> {
    return this.#transactions.write(() => this.#jobs.add(request))
  }

  /**
   * Begins an attempt. `isRated`: its time is kept, because no restart may let more jobs begin than the rate of their kind
   * allows.
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

  /** The times at which jobs of kinds with a rate have begun, the oldest first. */
  begins(): ReplyPort<Begin[]> {
    const sql = 'SELECT at, kind, "group" FROM begins ORDER BY at'
    return this.#transactions.read(() => this.#statements.rows(sql) as Begin[])
  }

  /** Forgets the times that are older than the longest rate looks back. */
  forgetBegins(before: number): ReplyPort<void> {
    return this.#transactions.write(() => {
      this.#statements.row('DELETE FROM begins WHERE at < ?', before)
    })
  }

  /** The results of the steps that earlier attempts of a job committed. */
  steps(id: number): ReplyPort<[name: string, text: string][]> {
    const sql = 'SELECT name, result FROM steps WHERE job = ?'
    return this.#transactions.read(() => {
      const rows = this.#statements.rows(sql, id) as { name: string; result: string }[]
      return rows.map(({ name, result }) => [name, result])
    })
  }

  /** Answers when it is committed. */
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
      const added = due.map((at) => this.#jobs.add(request, { schedule: name, scheduledAt: at }))
      const job = added.at(-1)?.job.id ?? null
      advanceSchedule(this.#database, name, { nextAt, at: due.at(-1) ?? null, job })
      return added.filter(({ isNew }) => isNew).map((each) => each.job)
    })
  }

  /** Ends an attempt, and the job with it. */
  end(
    id: number,
    state: JobState,
    result: StoredResult = { text: null, type: null },
  ): ReplyPort<Job> {
    this.#closeOutput(id)
    return this.#transactions.write(() => this.#jobs.end(id, state, result))
  }

  /** Ends an attempt that failed: the job begins again after `delay` milliseconds, or has failed when it has no attempt left. */
  fail(id: number, error: string, delay: number): ReplyPort<Job> {
    this.#closeOutput(id)
    return this.#transactions.write(() => this.#jobs.fail(id, error, delay))
  }

  /** Ends an attempt that its worker did not live through: the job is to begin again. */
  requeue(id: number): ReplyPort<Job> {
    this.#closeOutput(id)
    return this.#transactions.write(() => this.#jobs.requeue(id, 'its worker was restarted'))
  }

  /** Begins a job anew that ended in one of `states`. */
  revive(id: number, states: readonly JobState[]): ReplyPort<Revival> {
    return this.#transactions.write(() => this.#jobs.revive(id, states))
  }

  /** After a restart of the scheduler: jobs that ran are queued again. */
  requeueRunning(): ReplyPort<void> {
    return this.#transactions.write(() =>
      this.#jobs.requeueRunning('a part of the server was restarted'),
    )
  }

  /** At most `limit` queued jobs with a number greater than `after`, the oldest first. */
  queued(after: number, limit: number): ReplyPort<StoredQueuedJob[]> {
    return this.#transactions.read(() => this.#jobs.queued(after, limit))
  }

  /** The wall clock has stepped by `ms`: the times of what waits move with it. */
  shiftDelays(ms: number): ReplyPort<void> {
    return this.#transactions.write(() => this.#jobs.shiftDelays(ms))
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

  /** Deletes each of the jobs whose state is final, with its output; answers with their numbers. */
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

  /** Keeps a piece of an attempt's output; of long output only the beginning and the end. */
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

  /** The attempt has ended: writes the rest of its output, and forgets where the output ends. */
  #closeOutput(id: number): void {
    this.#writeOutputs()
    this.#outputs.close(id)
  }

  /** The output of an attempt; without its number, of the latest one. Null when the job is not there, or has not had that attempt. */
  output(id: number, attempt: number | null = null): ReplyPort<Output | null> {
    this.#writeOutputs()
    return this.#transactions.read(() => {
      const job = this.#jobs.find(id)
      if (job === null || (attempt ?? 0) > job.attempts) return null
      return this.#outputs.read(id, attempt ?? job.attempts)
    })
  }

  /** The attempts of a job that are kept, the first ones first; null when there is no such job. */
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

  /** The newest first; long texts are cut. */
  list(filter: JobFilter, limit: number): ReplyPort<Job[]> {
    return this.#transactions.read(() => this.#jobs.list(filter, limit))
  }

  /** A page of the jobs that a filter leaves, and how many of them are in each state. */
  table(query: TableQuery): ReplyPort<JobTable> {
    return this.#transactions.read(() => readTable(this.#database, query, this.#jobs.counts))
  }

  /** The numbers of the jobs in `states` that a filter leaves, after the number `after`, the oldest first. */
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

  /** Deletes what the retention does not keep, a batch at a time, so that a client never waits for more than one batch. */
  #sweep(): void {
    const surplus = surplusJobs(this.#database, this.#retention, this.#jobs.counts, sweepBatch)
    if (surplus.length === 0) return
    this.#transactions.do(() => this.#jobs.delete(surplus), {
      settle: () => {
        this.#feed.publish({ type: 'deleted', ids: surplus })
        this.ctx.after(0, () => this.#sweep())
      },
      // The next sweep tries again.
      fail: () => {},
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
