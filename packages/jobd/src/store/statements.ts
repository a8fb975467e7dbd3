import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/**
 * Runs SQL statements on one connection. Each statement is prepared once, because preparing a statement takes longer
 * than running most of them.
 */
export class Statements {
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Runs a statement, and returns its first row; null if it has none. */
  row(sql: string, ...values: SQLInputValue[]): unknown {
    return this.#prepare(sql).get(...values) ?? null
  }

  /** Runs a statement whose parameters have names, and returns its first row; null if it has none. */
  rowOf(sql: string, values: Record<string, SQLInputValue>): unknown {
    return this.#prepare(sql).get(values) ?? null
  }

  rows(sql: string, ...values: SQLInputValue[]): unknown[] {
    return this.#prepare(sql).all(...values)
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}
