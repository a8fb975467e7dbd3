import type { DatabaseSync } from 'node:sqlite'
import { type ActorContext, ReplyError, type ReplyPort } from '@tasktree/actor'
import { isPassingFailure } from './job-file.ts'

/**
 * A change of the jobs' file could not be written. No part of the change was written, and the caller may try again.
 */
export class StoreError extends ReplyError {
  override readonly name: string = 'StoreError'

  constructor(cause: Error) {
    super(`the jobs' file cannot be written: ${cause.message}`, { cause })
  }
}

interface Uncommitted {
  settle: () => void
  fail: (error: StoreError) => void
}

/** Called when a transaction has ended. */
export interface TransactionHooks {
  committed: () => void
  rolledBack: () => void
}

/**
 * Writes that an actor receives in one turn share one transaction, and so one fsync. Each write is answered after the
 * commit. A read during the transaction is answered after the commit too, because its answer may contain changes that
 * are not committed yet.
 */
export class GroupCommit {
  readonly #database: DatabaseSync
  readonly #ctx: ActorContext
  readonly #hooks: TransactionHooks
  /** The requests that are answered after the commit; null if no transaction is open. */
  #uncommitted: Uncommitted[] | null = null

  constructor(database: DatabaseSync, ctx: ActorContext, hooks: TransactionHooks) {
    this.#database = database
    this.#ctx = ctx
    this.#hooks = hooks
  }

  read<T>(work: () => T): ReplyPort<T> {
    const port = this.#ctx.reply<T>()
    const value = work()
    if (this.#uncommitted === null) port.resolve(value)
    else
      this.#uncommitted.push({
        settle: () => port.resolve(value),
        fail: (error) => port.reject(error),
      })
    return port
  }

  /** Does a write in a transaction. The caller gets the answer after the commit. */
  write<T>(work: () => T): ReplyPort<T> {
    const port = this.#ctx.reply<T>()
    let value: T
    this.do(() => (value = work()), {
      settle: () => port.resolve(value),
      fail: (error) => port.reject(error),
    })
    return port
  }

  /** Does `work` in the open transaction, or in a new one if none is open. */
  do(work: () => unknown, uncommitted: Uncommitted): void {
    try {
      if (this.#uncommitted === null) {
        this.#database.exec('BEGIN IMMEDIATE')
        this.#uncommitted = []
        // The messages that are already in the mailbox are handled before this timer fires, so their writes join the
        // transaction.
        this.#ctx.after(0, () => this.commit())
      }
      work()
      this.#uncommitted.push(uncommitted)
    } catch (error) {
      this.#fail(error, [...(this.#uncommitted ?? []), uncommitted])
    }
  }

  commit(): void {
    const all = this.#uncommitted
    if (all === null) return
    try {
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#fail(error, all)
      return
    }
    this.#uncommitted = null
    this.#hooks.committed()
    for (const { settle } of all) settle()
  }

  /** Rolls the transaction back, and fails every request that waits for its commit. */
  #fail(error: unknown, all: Uncommitted[]): void {
    this.#uncommitted = null
    this.#hooks.rolledBack()
    if (!(error instanceof Error) || !('errcode' in error)) throw error
    // After some errors SQLite has rolled the transaction back already.
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    const failure = new StoreError(error)
    for (const { fail } of all) fail(failure)
    // Any other error crashes the store. The supervisor restarts the store, which opens the jobs' file again.
    if (!isPassingFailure({ errcode: Number(error.errcode) })) throw error
    this.#ctx.log.warn(failure.message)
  }
}
