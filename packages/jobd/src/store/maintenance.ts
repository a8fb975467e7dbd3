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

/** What a file of jobs holds. */
export interface FileReport {
  version: number
  /** How many jobs are in each state. */
  counts: Record<string, number>
}

/**
 * Reads a whole file and looks for damage. A server may use the file meanwhile.
 *
 * @throws {JobFileError} when it is damaged, or not a file of jobs
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
 * Copies a file as it is at one moment, while a server may use it. The copy is whole, or not there at all.
 *
 * @throws {JobFileError} when the file cannot be read, or the target is a file of something else
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
 * Puts a copy in the place of a file that no server uses. The file that was there is kept beside it; gives its name.
 *
 * @throws {JobFileError} when the copy is damaged, or a server uses the file
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
    // What its last server left in the log beside it belongs to the old file, and must not get into the new one.
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
  // SQLite would make a file that is not there.
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
    // It is not a database at all, and so not a jobs' file.
  }
  if (!isOurs) throw new JobFileError(`${target} is there already, and is not a file of jobs`)
}

function settleLog(path: string): void {
  try {
    using database = new DatabaseSync(path)
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch (error) {
    // A broken file is put aside unchanged, together with its log.
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
