import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { Actor, type ReplyPort } from '@tasktree/actor'
import { finalStates, type Job, type JobRequest, type JobState } from './job.ts'
import type { JobFeed } from './job-feed.ts'

type Waiting = () => void

/** What is kept of one job's output, in characters: its beginning. */
const mostOutput = 1_048_576

/**
 * The jobs' file and its only writer. Writes of one turn are committed together, and each is answered
 * after its commit: what a client was told survives a crash at any moment.
 */
export class Store extends Actor {
  readonly #file: string
  readonly #feed: JobFeed
  #database!: DatabaseSync
  #insert!: StatementSync
  /** Answers that wait for the commit; null when no transaction is open. */
  #uncommitted: Waiting[] | null = null
  /** Characters of output of the jobs that run. */
  readonly #outputs = new Map<number, number>()

  constructor(file: string, feed: JobFeed) {
    super()
    this.#file = file
    this.#feed = feed
  }

  protected override onStart(): void {
    this.#database = new DatabaseSync(this.#file)
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, payload TEXT NOT NULL,
        priority INTEGER NOT NULL, delay INTEGER NOT NULL, timeout INTEGER NOT NULL, retries INTEGER NOT NULL,
        key TEXT UNIQUE, state TEXT NOT NULL, attempts INTEGER NOT NULL, result TEXT, error TEXT,
        createdAt INTEGER NOT NULL, notBefore INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS outputs (job INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
      CREATE INDEX IF NOT EXISTS outputsOfJob ON outputs (job);
      UPDATE jobs SET state = 'queued' WHERE state = 'running';
    `)
    this.#insert = this.#database.prepare(`
      INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, key, state, attempts, createdAt, notBefore)
      VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', 0, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING *`)
  }

  protected override onStop(): void {
    this.#commit()
    this.#database.close()
  }

  /** The new job, or the one that has its key already. */
  add(request: JobRequest): ReplyPort<{ job: Job; isNew: boolean }> {
    const port = this.ctx.reply<{ job: Job; isNew: boolean }>()
    const now = Date.now()
    const { kind, payload, priority, delay, timeout, retries, key } = request
    this.#begin()
    const row = this.#insert.get(
      kind,
      payload,
      priority,
      delay,
      timeout,
      retries,
      key,
      now,
      now + delay,
    )
    const job = (row ?? this.#row('SELECT * FROM jobs WHERE key = ?', key)) as Job
    this.#afterCommit(() => port.resolve({ job, isNew: row !== undefined }))
    return port
  }

  /** Begins an attempt, or ends one. */
  update(
    id: number,
    change: { state: JobState; attempts?: number; result?: string; error?: string },
  ): ReplyPort<void> {
    const port = this.ctx.reply<void>()
    if (finalStates.has(change.state)) this.#outputs.delete(id)
    this.#begin()
    this.#database
      .prepare(
        `UPDATE jobs SET state = ?, attempts = coalesce(?, attempts), result = coalesce(?, result), error = ? WHERE id = ?`,
      )
      .run(change.state, change.attempts ?? null, change.result ?? null, change.error ?? null, id)
    this.#afterCommit(() => port.resolve())
    return port
  }

  /** A job that had ended begins anew: with all its attempts before it. */
  requeue(id: number): ReplyPort<Job> {
    const port = this.ctx.reply<Job>()
    this.#begin()
    this.#database
      .prepare(
        `UPDATE jobs SET state = 'queued', attempts = 0, result = NULL, error = NULL, notBefore = ? WHERE id = ?`,
      )
      .run(Date.now(), id)
    const job = this.get(id) as Job
    this.#afterCommit(() => port.resolve(job))
    return port
  }

  /** Keeps a piece of a job's output. Of more than a mebibyte the rest is left out. */
  append(id: number, text: string): void {
    const offset = this.#outputs.get(id) ?? this.#lengthOfOutput(id)
    if (offset > mostOutput) return
    const isLast = offset + text.length > mostOutput
    const kept = isLast ? `${text.slice(0, mostOutput - offset)}\n[the rest is left out]\n` : text
    this.#outputs.set(id, offset + kept.length)
    this.#begin()
    this.#database.prepare('INSERT INTO outputs (job, text) VALUES (?, ?)').run(id, kept)
    this.#feed.publish({ type: 'output', id, text: kept, offset })
  }

  /** A job's output; null when there is no such job. */
  log(id: number): string | null {
    if (this.get(id) === null) return null
    const rows = this.#database
      .prepare('SELECT text FROM outputs WHERE job = ? ORDER BY rowid')
      .all(id)
    return rows.map((row) => String(row['text'])).join('')
  }

  #lengthOfOutput(id: number): number {
    return this.log(id)?.length ?? 0
  }

  get(id: number): Job | null {
    return (this.#row('SELECT * FROM jobs WHERE id = ?', id) ?? null) as Job | null
  }

  list(state: JobState | null, limit: number): Job[] {
    const where = state === null ? '' : 'WHERE state = ?'
    const values = state === null ? [limit] : [state, limit]
    return this.#rows(`SELECT * FROM jobs ${where} ORDER BY id DESC LIMIT ?`, ...values)
  }

  unfinished(): Job[] {
    return this.#rows(
      `SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY priority, id`,
    )
  }

  counts(): Record<string, number> {
    const rows = this.#database
      .prepare('SELECT state, count(*) AS n FROM jobs GROUP BY state')
      .all()
    return Object.fromEntries(rows.map((row) => [String(row['state']), Number(row['n'])]))
  }

  #row(sql: string, ...values: SQLInputValue[]): unknown {
    return this.#database.prepare(sql).get(...values)
  }

  #rows(sql: string, ...values: SQLInputValue[]): Job[] {
    return this.#database.prepare(sql).all(...values) as unknown as Job[]
  }

  #begin(): void {
    if (this.#uncommitted !== null) return
    this.#database.exec('BEGIN IMMEDIATE')
    this.#uncommitted = []
    this.ctx.after(0, () => this.#commit())
  }

  #afterCommit(answer: Waiting): void {
    this.#uncommitted?.push(answer)
  }

  #commit(): void {
    const answers = this.#uncommitted
    if (answers === null) return
    this.#uncommitted = null
    this.#database.exec('COMMIT')
    for (const answer of answers) answer()
  }
}
