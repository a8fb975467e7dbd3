import { DatabaseSync } from 'node:sqlite'

const pageSize = 4_096

const schema = `
  CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, payload TEXT NOT NULL,
    priority INTEGER NOT NULL, delay INTEGER NOT NULL, timeout INTEGER NOT NULL, retries INTEGER NOT NULL,
    key TEXT UNIQUE, state TEXT NOT NULL, attempts INTEGER NOT NULL, allowed INTEGER NOT NULL,
    result TEXT, error TEXT, createdAt INTEGER NOT NULL, notBefore INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS jobsOfState ON jobs (state, id);
  CREATE TABLE IF NOT EXISTS outputs (job INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS outputsOfJob ON outputs (job);
`

/** The SQLite file of the jobs. It outlives the store's incarnations: a killed one has no time to close it. */
export class JobFile {
  readonly #path: string
  readonly #maxSize: number
  #database: DatabaseSync | null = null

  /** Beyond `maxSize` bytes nothing more is written. */
  constructor(path: string, maxSize = Infinity) {
    this.#path = path
    this.#maxSize = maxSize
  }

  /** Opens it. What was left open is closed before: a transaction that was not committed is none. */
  open(): DatabaseSync {
    this.close()
    const database = new DatabaseSync(this.#path)
    this.#database = database
    try {
      database.exec(
        `PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${schema}`,
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
}
