import { DatabaseSync } from 'node:sqlite'

/**
 * Makes the file itself write down each job that is deleted, with the state that it had: by a trigger, which runs in the
 * transaction of the delete, so that no crash can separate the two.
 */
export function recordDeletions(file: string): void {
  using database = new DatabaseSync(file, { timeout: 60_000 })
  database.exec(`
    CREATE TABLE deletedJobs (id INTEGER, kind TEXT, payload TEXT, state TEXT, attempts INTEGER);
    CREATE TRIGGER deletions AFTER DELETE ON jobs
      BEGIN INSERT INTO deletedJobs VALUES (OLD.id, OLD.kind, OLD.payload, OLD.state, OLD.attempts); END;
  `)
}

/** The jobs that are in the file, and those that were deleted from it. */
export const allJobs = `(SELECT id, kind, payload, state, attempts FROM jobs
  UNION ALL SELECT id, kind, payload, state, attempts FROM deletedJobs)`

/** How many jobs were deleted, and how many of them before their end. */
export function countDeletions(database: DatabaseSync): { all: number; early: number } {
  const row = database
    .prepare(
      `SELECT count(*) AS n, count(*) FILTER (WHERE state NOT IN ('done', 'failed', 'cancelled')) AS early FROM deletedJobs`,
    )
    .get()
  return { all: Number(row?.['n']), early: Number(row?.['early']) }
}
