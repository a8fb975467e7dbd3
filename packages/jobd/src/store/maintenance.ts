import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { FileLock } from './file-lock.ts'
import { explain, firstProblem, holderOf, JobFileError } from './job-file.ts'
import { applicationId, inspect, numberOf, schemaVersion } from './schema.ts'

/** The schema version of a jobs' file, and how many jobs it has. */
export interface FileReport {
  version: number
  /** How many jobs are in each state. */
  counts: Record<string, number>
}

/**
 * Reads a whole jobs' file and searches for damage. A server may use the file at the same time.
 *
 * @throws {JobFileError} when the file is damaged, or is not a jobs' file
 */
export function checkFile(path: string): FileReport {
  try {
    using database = openExisting(path)
    const problem = firstProblem(database, 'integrity_check')
    if (problem !== null) throw new JobFileError(`${path} is broken: ${problem}`)
    const state = inspect(database)
    if (state.kind === 'refused') throw new JobFileError(`${path} is refused: ${state.reason}`)
    if (state.kind === 'empty') throw new JobFileError(`${path} has no tables`)
    const rows = database.prepare('SELECT state, count(*) AS n FROM jobs GROUP BY state').all()
    const counts = Object.fromEntries(rows.map((row) => [String(row['state']), Number(row['n'])]))
    return { version: state.kind === 'old' ? state.version : schemaVersion, counts }
  } catch (error) {
    throw explain(path, error)
  }
}

/**
 * Makes a consistent copy of a jobs' file. A server may use the file at the same time. If the copying is interrupted,
 * there is no file at `target`.
 *
 * @throws {JobFileError} when the file cannot be read, or the target is a file of another program
 */
export function backUpFile(path: string, target: string): void {
  refuseForeign(target)
  const part = `${target}.part`
  try {
    rmSync(part, { force: true })
    using database = openExisting(path)
    database.prepare('VACUUM INTO ?').run(part)
    putInPlace(part, target)
  } catch (error) {
    rmSync(part, { force: true })
    throw explain(path, error)
  }
}

/**
 * Replaces a jobs' file by a copy. The old file is kept beside it. Returns the name of the old file, or null if there
 * was none.
 *
 * @throws {JobFileError} when the copy is damaged, or when a server uses the file
 */
export function restoreFile(backup: string, path: string): string | null {
  checkFile(backup)
  refuseForeign(path)
  using lock = tryLock(path)
  if (lock === null) throw new JobFileError(`${path} is in use by ${holderOf(path)}`)
  const part = `${path}.part`
  const before = `${path}.before-restore`
  try {
    copyFileSync(backup, part)
    if (!existsSync(path)) {
      putInPlace(part, path)
      return null
    }
    // The log that the last server left beside the file belongs to the old file. It must not be applied to the new
    // file.
    settleLog(path)
    renameSync(path, before)
    putInPlace(part, path)
    return before
  } finally {
    rmSync(part, { force: true })
  }
}

function tryLock(path: string): FileLock | null {
  try {
    return FileLock.tryAcquire(path)
  } catch (error) {
    throw explain(path, error)
  }
}

function openExisting(path: string): DatabaseSync {
  // This is checked first, because SQLite would make a file that does not exist.
  if (!existsSync(path)) throw new JobFileError(`there is no file ${path}`)
  return new DatabaseSync(path, { readOnly: true, timeout: 10_000 })
}

/**
 * Refuses a target that is not a jobs' file, so that a mistyped name does not overwrite another program's file.
 *
 * @throws {JobFileError}
 */
function refuseForeign(target: string): void {
  if (!existsSync(target)) return
  let isOurs = false
  try {
    using database = new DatabaseSync(target, { readOnly: true })
    isOurs =
      numberOf(database, 'application_id') === applicationId || inspect(database).kind === 'old'
  } catch {
    // The target is not a database, and so not a jobs' file.
  }
  if (!isOurs) throw new JobFileError(`${target} is there already, and is not a file of jobs`)
}

function settleLog(path: string): void {
  try {
    using database = new DatabaseSync(path)
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch (error) {
    // If the file is damaged, its log cannot be applied. The log is kept beside the old file.
    if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${path}.before-restore-wal`)
    if (!(error instanceof Error && 'errcode' in error)) throw error
  }
  rmSync(`${path}-shm`, { force: true })
}

/** Renames the file `part` after all of it is on the disk. So a crash leaves either the old file or the new one. */
function putInPlace(part: string, target: string): void {
  sync(part)
  renameSync(part, target)
  sync(dirname(target))
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } catch (error) {
    // Windows cannot flush a folder to the disk.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  } finally {
    closeSync(descriptor)
  }
}
