import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sleep } from '@tasktree/core'

/** Milliseconds between two tries. */
const pollTime = 50

/**
 * The right to use a jobs' file, which one process has at a time. It is a write transaction, never committed, on an
 * empty database beside the file: the operating system takes such a lock from a process that dies, even by kill -9.
 * A lock on the file itself would not do, because the store closes and opens the file when it is restarted. The lock's
 * file stays: if it were removed, two processes could each have a lock on a different file of that name.
 */
export class FileLock implements Disposable {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Waits for at most `patience` milliseconds; null when the lock could not be had. */
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
      // The journal is kept in memory, because a journal on the disk would stay behind after kill -9.
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

/** Resolves symbolic links, so that two names of one file have the same lock. */
function lockPathOf(file: string): string {
  return `${realPathOf(file)}-lock`
}

function realPathOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    // The file may not exist yet, because it is made after its lock. A wrong folder gives an error when the lock is opened.
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
