import { existsSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { FileLock } from './file-lock.ts'
import { putInPlace } from './put-in-place.ts'
import { applicationId, create, inspect, migrate, numberOf } from './schema.ts'
import { requeueAtEnd, settleDeaths } from './server-deaths.ts'

const pageSize = 4_096

/**
 * A jobs' file of more bytes than this is not checked for damage at each start, because the check reads the whole file.
 */
const largestChecked = 67_108_864

/** The value of SQLite's `auto_vacuum` with which a file can shrink page by page. */
const INCREMENTAL = 2

export interface JobFileOptions {
  path: string
  /** The jobs' file grows to at most this many bytes; a write that needs more fails. @defaultValue no limit */
  maxSize?: number | undefined
  /** How many milliseconds to wait for another process that uses the jobs' file. @defaultValue 10000 */
  waitLock?: number | undefined
  /** After this many deaths of the server during one job, the job has failed. @defaultValue 3 */
  maxDeaths?: number | undefined
  /**
   * Whether a file of the first edition is rewritten at once, so that it can shrink. Rewriting takes time and space.
   * @defaultValue true
   */
  vacuum?: boolean | undefined
  /** Called with each message for the operator, for example about a wait for the lock or a migration. */
  notice?: ((text: string) => void) | undefined
}

/**
 * The jobs' file cannot be used: another process uses it, it is not a file of jobd, a newer version wrote it, or it is
 * damaged.
 */
export class JobFileError extends Error {
  override readonly name: string = 'JobFileError'
  readonly code: string = 'ERR_JOBD_FILE'
}

/**
 * The SQLite file of the jobs, and the lock on it. This object outlives the incarnations of the store, because a killed
 * store cannot close the jobs' file, and because the lock must be held until the server ends.
 */
export class JobFile implements Disposable {
  readonly #path: string
  readonly #maxSize: number
  readonly #lock: FileLock
  #database: DatabaseSync | null = null

  private constructor(path: string, maxSize: number, lock: FileLock) {
    this.#path = path
    this.#maxSize = maxSize
    this.#lock = lock
  }

  /**
   * Takes the lock, checks the jobs' file, migrates it if it is old, and settles the jobs that were running when the
   * last server died: they are queued again or have failed.
   *
   * @throws {JobFileError} when the jobs' file cannot be used
   */
  static async take(options: JobFileOptions): Promise<JobFile> {
    const { path, maxSize = Infinity, waitLock = 10_000, notice = () => {} } = options
    refuseForeign(path)
    const lock = await takeLock(path, waitLock, notice)
    const file = new JobFile(path, maxSize, lock)
    try {
      file.#prepare(options)
      return file
    } catch (error) {
      file[Symbol.dispose]()
      throw explain(path, error)
    }
  }

  #prepare({ path, maxDeaths = 3, vacuum = true, notice = () => {} }: JobFileOptions): void {
    const isNew = !existsSync(path) || statSync(path).size === 0
    const database = this.#connect(isNew)
    if (!isNew) this.#check(database)
    const state = inspect(database)
    if (state.kind === 'refused') throw refusal(path, state.reason)
    if (state.kind === 'empty') {
      transact(database, () => create(database))
    } else if (state.kind === 'old') {
      const copy = `${path}.v${state.version}`
      notice(`${path} is of an older jobd: it is brought up to date, a copy is kept as ${copy}`)
      keepCopy(database, copy)
      transact(database, () => migrate(database, state.version))
    }
    if (numberOf(database, 'auto_vacuum') !== INCREMENTAL) {
      if (vacuum) {
        notice(
          `${path} is written anew once, so that it can shrink: this needs as much space again`,
        )
        database.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM')
      } else notice(`${path} cannot shrink until it was started once without --no-vacuum`)
    }
    try {
      transact(database, () => {
        settleDeaths(database, maxDeaths)
        database
          .prepare(`INSERT OR REPLACE INTO settings VALUES ('holder', ?)`)
          .run(`process ${process.pid} on ${hostname()}`)
      })
    } catch (error) {
      // The disk is full or the jobs' file is read-only. The server starts nevertheless, because it can still show the
      // jobs.
      if (!isSqlite(error) || !isPassingFailure(error)) throw error
      notice(`${path} cannot be written: ${error.message}`)
    }
  }

  #check(database: DatabaseSync): void {
    if (statSync(this.#path).size > largestChecked) return
    const problem = firstProblem(database)
    if (problem !== null) throw new JobFileError(`${this.#path} is broken: ${problem}`)
  }

  /**
   * Opens the jobs' file. If a killed store has left its connection open, closes that connection first, which rolls its
   * transaction back.
   */
  open(): DatabaseSync {
    const database = this.#connect()
    if (inspect(database).kind !== 'current') {
      this.close()
      throw new JobFileError(`${this.#path} is no longer what it was when the server started`)
    }
    return database
  }

  #connect(isNew = false): DatabaseSync {
    this.close()
    const database = new DatabaseSync(this.#path)
    this.#database = database
    try {
      database.exec(
        // The order matters: `auto_vacuum` of a new file cannot be set any more after `journal_mode` has written the
        // header of the file.
        `PRAGMA page_size = ${pageSize}; ${isNew ? 'PRAGMA auto_vacuum = INCREMENTAL;' : ''}
         PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`,
      )
      if (this.#maxSize !== Infinity)
        database.exec(`PRAGMA max_page_count = ${Math.ceil(this.#maxSize / pageSize)}`)
      return database
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    const database = this.#database
    this.#database = null
    database?.close()
  }

  /**
   * Called at the orderly end of a server, or when a part of it could not start. The jobs that were running are queued
   * again for the next start, and no death of the server is counted for them. If the jobs' file cannot be written any
   * more, it stays as a crash would leave it.
   */
  release(): void {
    try {
      const database = this.#connect()
      transact(database, () => {
        requeueAtEnd(database)
      })
    } catch (error) {
      if (!isSqlite(error)) throw error
    } finally {
      this[Symbol.dispose]()
    }
  }

  [Symbol.dispose](): void {
    this.close()
    this.#lock[Symbol.dispose]()
  }
}

/**
 * Refuses a file that is not a jobs' file, before the file of the lock is made beside it: a mistyped name must leave
 * nothing beside another program's file.
 *
 * @throws {JobFileError} when the file at `path` is not a jobs' file
 */
function refuseForeign(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return
  // SQLite takes a file of one byte for an empty file, and would write over the byte.
  if (size === 1) throw refusal(path, 'it is a file of another program')
  try {
    using database = new DatabaseSync(path, { readOnly: true })
    const state = inspect(database)
    if (state.kind === 'refused') throw refusal(path, state.reason)
  } catch (error) {
    // Other errors of SQLite may pass, for example while another process writes. An error that does not pass occurs
    // again after the lock is taken.
    if (!isSqlite(error) || error.errcode === SQLITE_NOTADB) throw explain(path, error)
  }
}

function refusal(path: string, reason: string): JobFileError {
  return new JobFileError(`${path} is refused: ${reason}`)
}

const SQLITE_NOTADB = 26

/** @throws {JobFileError} when another process has the jobs' file, or the lock cannot be made */
async function takeLock(
  path: string,
  patience: number,
  notice: (text: string) => void,
): Promise<FileLock> {
  try {
    const lock = await FileLock.acquire(path, patience, () =>
      notice(`${path} is in use by ${holderOf(path)}: waiting for at most ${patience} ms`),
    )
    if (lock !== null) return lock
  } catch (error) {
    throw explain(path, error)
  }
  throw new JobFileError(`${path} is in use by ${holderOf(path)}`)
}

/** Adds the name of the jobs' file to an error of SQLite. Returns any other error unchanged. */
export function explain(path: string, error: unknown): unknown {
  if (error instanceof JobFileError || !isSqlite(error)) return error
  return new JobFileError(`${path} cannot be used: ${error.message}`, { cause: error })
}

/** Returns the first problem that SQLite's own check finds; null if there is none. The check reads the whole file. */
export function firstProblem(database: DatabaseSync, pragma = 'quick_check'): string | null {
  const [row] = database.prepare(`PRAGMA ${pragma}(1)`).all()
  const text = String(Object.values(row ?? {})[0])
  return text === 'ok' ? null : text.replaceAll(/\s+/g, ' ')
}

/**
 * Makes a consistent copy of the jobs' file. If it is interrupted, `target` is not changed. When it returns, the copy is
 * on the disk, because the migration that follows overwrites the jobs' file.
 */
function keepCopy(database: DatabaseSync, target: string): void {
  const part = `${target}.part`
  rmSync(part, { force: true })
  database.prepare('VACUUM INTO ?').run(part)
  putInPlace(part, target)
}

function transact(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    work()
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/**
 * Returns a text for the process that uses the jobs' file at `path`: the text that the server in that process has
 * written into the file, or `another process` if there is none.
 */
export function holderOf(path: string): string {
  try {
    using database = new DatabaseSync(path, { readOnly: true })
    if (numberOf(database, 'application_id') !== applicationId) return 'another process'
    const row = database.prepare(`SELECT value FROM settings WHERE name = 'holder'`).get()
    return row === undefined ? 'another process' : String(row['value'])
  } catch (error) {
    if (!isSqlite(error)) throw error
    return 'another process'
  }
}

interface SqliteError extends Error {
  errcode: number
}

export function isSqlite(error: unknown): error is SqliteError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}

/** SQLite's BUSY, NOMEM, READONLY and FULL. Such a failure passes when the jobs' file or the memory is free again. */
const passingCodes: ReadonlySet<number> = new Set([5, 7, 8, 13])

export function isPassingFailure({ errcode }: { errcode: number }): boolean {
  return passingCodes.has(errcode & 0xff)
}
