import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/** The statements of one connection. Each is prepared once, because preparing costs more than most of them do. */
export class Statements {
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** The first row; null when there is none. */
  row(sql: string, ...values: SQLInputValue[]): unknown {
    return this.#prepare(sql).get(...values) ?? null
  }

  /** Like `row`, for a statement whose parameters have names. */
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
