import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { FileLock } from './file-lock.ts'
import { applicationId, create, inspect, migrate, numberOf } from './schema.ts'
import { requeueAtEnd, settleDeaths } from './server-deaths.ts'

const pageSize = 4_096

/** A file of more bytes than this is not checked for damage at each start, because the check reads all of it. */
const largestChecked = 67_108_864

/** The value of SQLite's `auto_vacuum` with which single pages can be given back to the file system. */
const INCREMENTAL = 2

export interface JobFileOptions {
  path: string
  /** The file grows to at most this many bytes; a write that needs more fails. @defaultValue no limit */
  maxSize?: number | undefined
  /** For how long to wait for another process that has the file, in milliseconds. @defaultValue 10000 */
  waitLock?: number | undefined
  /** How many times the server may die during one job before that job has failed. @defaultValue 3 */
  maxDeaths?: number | undefined
  /** Whether a file of the first edition is made able to shrink at once, which takes time and space. @defaultValue true */
  vacuum?: boolean | undefined
  /** Called with each text that an operator should read: a wait for the lock, a migration. */
  notice?: ((text: string) => void) | undefined
}

/** The jobs' file cannot be used: it is held by another process, not a file of ours, of a newer version, or broken. */
export class JobFileError extends Error {
  override readonly name: string = 'JobFileError'
}

/**
 * The SQLite file of the jobs, and the lock on it. It outlives the store's incarnations: a killed store has no time to
 * close the file, and the lock is held from the start of the server to its end.
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
   * Takes the lock, checks the file, migrates an old one, and queues the jobs again, or
   * fails them, that were running when the last server died.
   *
   * @throws {JobFileError} when the file cannot be used
   */
  static async take(options: JobFileOptions): Promise<JobFile> {
    const { path, maxSize = Infinity, waitLock = 10_000, notice = () => {} } = options
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
    if (state.kind === 'refused') throw new JobFileError(`${path} is refused: ${state.reason}`)
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
      // The disk is full or the file is read-only. The server starts all the same, because it can still show the jobs.
      if (!isSqlite(error) || !isPassingFailure(error)) throw error
      notice(`${path} cannot be written: ${error.message}`)
    }
  }

  #check(database: DatabaseSync): void {
    if (statSync(this.#path).size > largestChecked) return
    const problem = firstProblem(database)
    if (problem !== null) throw new JobFileError(`${this.#path} is broken: ${problem}`)
  }

  /** Opens the file. A connection that a killed store has left open is closed first, which rolls its transaction back. */
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
        // In this order: `auto_vacuum` of a new file can no longer be set when `journal_mode` has written its header.
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
   * The end of a server in order: what it cancelled is queued for the next start, and no death is counted for it. A file
   * that cannot be written any more is left as a crash would leave it.
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

/** @throws {JobFileError} when another process has the file, or the lock cannot be made */
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

/** An error of SQLite's with the name of the file; any other error as it is. */
export function explain(path: string, error: unknown): unknown {
  if (error instanceof JobFileError || !isSqlite(error)) return error
  return new JobFileError(`${path} cannot be used: ${error.message}`, { cause: error })
}

/** What SQLite's own check finds first; null when all is well. It reads the whole file. */
export function firstProblem(database: DatabaseSync, pragma = 'quick_check'): string | null {
  const [row] = database.prepare(`PRAGMA ${pragma}(1)`).all()
  const text = String(Object.values(row ?? {})[0])
  return text === 'ok' ? null : text.replaceAll(/\s+/g, ' ')
}

/** A consistent copy, whole or not there at all, whatever interrupts the writing of it. */
export function keepCopy(database: DatabaseSync, target: string): void {
  const part = `${target}.part`
  rmSync(part, { force: true })
  database.prepare('VACUUM INTO ?').run(part)
  renameSync(part, target)
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

/** The process that has the file, as its server has written into it. */
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

function isSqlite(error: unknown): error is SqliteError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}

/** SQLite's BUSY, NOMEM, READONLY and FULL. Such a failure passes when the file or the memory is free again. */
const passingCodes: ReadonlySet<number> = new Set([5, 7, 8, 13])

export function isPassingFailure({ errcode }: { errcode: number }): boolean {
  return passingCodes.has(errcode & 0xff)
}
