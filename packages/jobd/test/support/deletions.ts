import { DatabaseSync } from 'node:sqlite'

/**
 * Makes the database record each job that is deleted, with its state. A trigger does it in the transaction of the delete, so that
 * no crash can separate the delete and the record.
 */
export function recordDeletions(file: string): void {
  using database = new DatabaseSync(file, { timeout: 60_000 })
  database.exec(`
    CREATE TABLE deletedJobs (id INTEGER, kind TEXT, payload TEXT, state TEXT, attempts INTEGER);
    CREATE TRIGGER deletions AFTER DELETE ON jobs
      BEGIN INSERT INTO deletedJobs VALUES (OLD.id, OLD.kind, OLD.payload, OLD.state, OLD.attempts); END;
  `)
}

/** The SQL of a table with the jobs in the file and the jobs that were deleted from it. */
export const allJobs = `(SELECT id, kind, payload, state, attempts FROM jobs
  UNION ALL SELECT id, kind, payload, state, attempts FROM deletedJobs)`

/** Counts the jobs that were deleted, and those among them that were deleted before they had ended. */
export function countDeletions(database: DatabaseSync): { all: number; early: number } {
  const row = database
    .prepare(
      `SELECT count(*) AS n, count(*) FILTER (WHERE state NOT IN ('done', 'failed', 'cancelled')) AS early FROM deletedJobs`,
    )
    .get()
  return { all: Number(row?.['n']), early: Number(row?.['early']) }
}
