import { randomUUID } from 'node:crypto'
import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { FileLock, lockPathOf, realPathOf } from './file-lock.ts'
import {
  explain,
  firstProblem,
  holderOf,
  isPassingFailure,
  isSqlite,
  JobFileError,
} from './job-file.ts'
import { flush, putInPlace } from './put-in-place.ts'
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
 * Makes a consistent copy of a jobs' file. A server may use the file at the same time. The copy is written beside
 * `target` and renamed at the end, so that an interruption or a full disk leaves at `target` what was there before.
 *
 * @throws {JobFileError} when the file cannot be read, when the target is the file itself or in use by a server, or when
 * the target is a file of another program
 */
export function backUpFile(path: string, target: string): void {
  const place = checkPlace(target)
  if (isSameFile(path, place)) throw new JobFileError(`${target} is the jobs' file itself`)
  // If the file of this lock does not exist, no server uses the target. No such file is made for a target that has none.
  using _ = existsSync(lockPathOf(place)) ? lockOrRefuse(place) : null
  refuseLog(target, place)
  const part = nameOfPart(place)
  try {
    copyTo(part, path)
    putInPlace(part, place)
  } finally {
    rmSync(part, { force: true })
  }
}

/**
 * Replaces a jobs' file by a copy. The old file is kept beside it. Returns the name of the old file, or null if there
 * was none. An interruption leaves either the old file or the copy at `path`.
 *
 * @throws {JobFileError} when the copy is damaged, when it is the jobs' file itself, or when a server or another program
 * uses the file
 */
export function restoreFile(backup: string, path: string): string | null {
  checkFile(backup)
  const place = checkPlace(path)
  if (isSameFile(backup, place)) throw new JobFileError(`${backup} is the jobs' file itself`)
  using _ = lockOrRefuse(place)
  const part = nameOfPart(place)
  try {
    // SQLite makes the copy. Copying only the bytes of `backup` would leave out the changes in its write-ahead log,
    // which it has if a server has used it.
    copyTo(part, backup)
    if (!existsSync(place)) {
      refuseLog(path, place)
      putInPlace(part, place)
      return null
    }
    const before = freeName(`${place}.before-restore`)
    // The write-ahead log that the last server left beside the old file belongs to the old file. The log must not be
    // applied to the new file.
    settleLog(place, before)
    keepBeside(place, before)
    putInPlace(part, place)
    return before
  } finally {
    rmSync(part, { force: true })
  }
}

/** Names that SQLite and jobd give to the files beside a jobs' file. */
const nameBeside = /-(?:wal|shm|journal|lock)$/

/**
 * Checks the target of a copy, and returns its path without symbolic links. A link must not hide which file is replaced.
 *
 * @throws {JobFileError} for a name that a file beside a jobs' file may have, and for a file of another program
 */
function checkPlace(target: string): string {
  const place = realPathOf(target)
  for (const path of [target, place])
    if (nameBeside.test(path))
      throw new JobFileError(`${path} is refused: SQLite and jobd use such a name beside a file`)
  refuseForeign(place)
  return place
}

/** Whether two paths lead to the same file, directly or through links. */
function isSameFile(path: string, other: string): boolean {
  if (realPathOf(path) === realPathOf(other)) return true
  const [one, two] = [path, other].map((each) =>
    statSync(each, { bigint: true, throwIfNoEntry: false }),
  )
  return one != null && two != null && one.dev === two.dev && one.ino === two.ino
}

/**
 * Refuses a target whose write-ahead log is not empty. SQLite would apply the log of the old file to the new one, which
 * damages it.
 *
 * @throws {JobFileError} when the log is not empty
 */
function refuseLog(target: string, place: string): void {
  const log = statSync(`${place}-wal`, { throwIfNoEntry: false })
  if (log !== undefined && log.size > 0)
    throw new JobFileError(
      `${target} cannot be replaced: beside it is the log of a server, ${place}-wal`,
    )
}

/** Returns a name that no other file has, so that a copy cannot overwrite or delete another file. */
function nameOfPart(place: string): string {
  return `${place}.part-${randomUUID().slice(0, 8)}`
}

function freeName(wanted: string): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted}-${n}`
    if (!existsSync(name)) return name
  }
}

/** Writes the jobs' file at `path`, as it is at one moment, into the new file `part`. */
function copyTo(part: string, path: string): void {
  try {
    using database = openExisting(path)
    database.prepare('VACUUM INTO ?').run(part)
  } catch (error) {
    throw explain(path, error)
  }
}

/** Gives the file at `path` the second name `name`. A rename would leave a moment without a file at `path`. */
function keepBeside(path: string, name: string): void {
  try {
    linkSync(path, name)
  } catch {
    // This file system has no hard links.
    copyFileSync(path, name, constants.COPYFILE_EXCL)
    flush(name)
  }
}

/** @throws {JobFileError} when a server uses the jobs' file */
function lockOrRefuse(path: string): FileLock {
  const lock = tryLock(path)
  if (lock === null) throw new JobFileError(`${path} is in use by ${holderOf(path)}`)
  return lock
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
 * @throws {JobFileError} when the target is there and is not a jobs' file
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

/**
 * Writes the write-ahead log of the jobs' file into the jobs' file, and removes the log. The log of a damaged file
 * cannot be applied. It is kept under the name `before` with `-wal` at the end.
 *
 * @throws {JobFileError} when another program reads or writes the jobs' file, because the log is in use as long as it
 * does
 */
function settleLog(path: string, before: string): void {
  try {
    using database = new DatabaseSync(path)
    const result = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    if (result?.['busy'] !== 0) throw new JobFileError(`${path} is in use by another program`)
  } catch (error) {
    if (!isSqlite(error) || isPassingFailure(error)) throw explain(path, error)
    if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${before}-wal`)
  }
  // A program that has the jobs' file open, and reads nothing at the moment, must not write into the log of the new
  // file.
  for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
}
