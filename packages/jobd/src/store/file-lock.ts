import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sleep } from '@tasktree/core'

/** Milliseconds between two attempts to take the lock. */
const pollTime = 50

/**
 * A lock, so that only one process uses a jobs' file.
 *
 * The idea: the lock is a write transaction, never committed, on an empty database beside the jobs' file. The operating
 * system releases such a lock when the process dies, even after kill -9. A lock on the jobs' file itself would be
 * released when a restarted store closes the file and opens it again.
 *
 * The file of the lock is never deleted. Otherwise two processes could hold locks on two different files with the same
 * name.
 */
export class FileLock implements Disposable {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /**
   * Takes the lock. Waits for at most `patience` milliseconds, and returns null if another process still has the lock.
   */
  static async acquire(
    file: string,
    patience: number,
    onWait: () => void = () => {},
  ): Promise<FileLock | null> {
    const giveUp = performance.now() + patience
    for (let tries = 0; ; tries++) {
      const lock = FileLock.tryAcquire(file)
      if (lock !== null) return lock
      const left = giveUp - performance.now()
      if (left <= 0) return null
      if (tries === 0) onWait()
      await sleep(Math.min(pollTime, left))
    }
  }

  static tryAcquire(file: string): FileLock | null {
    const database = new DatabaseSync(lockPathOf(file), { timeout: 0 })
    try {
      // The journal is in memory, because a journal on the disk would not be deleted after kill -9.
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
      return new FileLock(database)
    } catch (error) {
      database.close()
      if (isBusy(error)) return null
      throw error
    }
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close()
  }
}

/**
 * Returns the path of the lock's file. Symbolic links are resolved, so that two names of one file have the same lock.
 */
export function lockPathOf(file: string): string {
  return `${realPathOf(file)}-lock`
}

/** Returns the path of a file without symbolic links. The file itself need not exist. */
export function realPathOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    // The jobs' file may not exist yet, because it is made after its lock. If the folder does not exist either, opening
    // the lock fails.
    try {
      return join(realpathSync(dirname(file)), basename(file))
    } catch {
      return file
    }
  }
}

const SQLITE_BUSY = 5

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY
  )
}
