import type { DatabaseSync } from 'node:sqlite'

/**
 * The id that is written into the header of a jobs' file ("jobd" in ASCII), so that the command `file` and other
 * programs can recognize it.
 */
export const applicationId = 0x6a_6f_62_64

/** The version of the schema below, kept in SQLite's `user_version`. The first edition wrote 0. */
export const schemaVersion = 3

/**
 * The columns of the table `jobs` in version 1. `key` is the key that the client gave; it is kept to be shown.
 * `heldKey` is the same text while the job blocks its key, and NULL afterwards. So several jobs may have the same
 * `key`, but only one of them has it as its `heldKey`. `endedAt` is NULL until the state is final.
 */
const jobsTable1 = `(
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, payload TEXT NOT NULL,
    priority INTEGER NOT NULL, delay INTEGER NOT NULL, timeout INTEGER NOT NULL, retries INTEGER NOT NULL,
    key TEXT, heldKey TEXT, keep INTEGER,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, allowed INTEGER NOT NULL, deaths INTEGER NOT NULL DEFAULT 0,
    result TEXT, error TEXT, createdAt INTEGER NOT NULL, notBefore INTEGER NOT NULL,
    startedAt INTEGER, endedAt INTEGER
  ) STRICT`

const indexes = `
  CREATE INDEX jobsOfState ON jobs (state, id);
  CREATE INDEX jobsThatEnded ON jobs (state, endedAt) WHERE endedAt IS NOT NULL;
  CREATE UNIQUE INDEX heldKeys ON jobs (heldKey) WHERE heldKey IS NOT NULL;
`

const settingsTable =
  'CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID'

/**
 * Version 2 adds groups, results that are JSON, steps, the times at which jobs of kinds with a rate began, and
 * schedules. The unique index prevents that a schedule adds two jobs for one time.
 */
const version2 = `
  ALTER TABLE jobs ADD COLUMN "group" TEXT;
  ALTER TABLE jobs ADD COLUMN resultType TEXT;
  ALTER TABLE jobs ADD COLUMN schedule TEXT;
  ALTER TABLE jobs ADD COLUMN scheduledAt INTEGER;
  CREATE UNIQUE INDEX scheduledTimes ON jobs (schedule, scheduledAt) WHERE schedule IS NOT NULL;
  CREATE TABLE steps (
    job INTEGER NOT NULL, name TEXT NOT NULL, result TEXT NOT NULL, PRIMARY KEY (job, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE begins (at INTEGER NOT NULL, kind TEXT NOT NULL, "group" TEXT) STRICT;
  CREATE INDEX beginsAt ON begins (at);
  CREATE TABLE schedules (
    name TEXT PRIMARY KEY, spec TEXT NOT NULL, zone TEXT, missed TEXT NOT NULL, request TEXT NOT NULL,
    createdAt INTEGER NOT NULL, nextAt INTEGER, lastAt INTEGER, lastJob INTEGER
  ) STRICT, WITHOUT ROWID;
`

/**
 * Version 3 adds the attempts that a job had before its latest one, and an output for each attempt. `start` is the
 * offset of a row's first byte in the output of the attempt. `job-outputs.ts` explains the rows.
 */
const version3 = `
  CREATE TABLE outputs (
    job INTEGER NOT NULL, attempt INTEGER NOT NULL, start INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (job, attempt, start)
  ) STRICT;
  CREATE TABLE attempts (
    job INTEGER NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL,
    startedAt INTEGER, endedAt INTEGER, error TEXT, PRIMARY KEY (job, attempt)
  ) STRICT, WITHOUT ROWID;
`

const stamp = `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`

/** Whether this version can use a file: it is empty, has the current schema, must be migrated, or is refused. */
export type FileState =
  | { kind: 'empty' }
  | { kind: 'current' }
  | { kind: 'old'; version: number }
  | { kind: 'refused'; reason: string }

/**
 * The columns of the tables in a file of the first edition, as SQLite lists them. A table with the same name and other
 * columns belongs to another program.
 */
const firstEdition = {
  jobs: 'id kind payload priority delay timeout retries key state attempts allowed result error createdAt notBefore',
  outputs: 'job text',
}

/**
 * Finds out whether this version can use a file, without changing the file.
 *
 * @throws the error of SQLite for a file that is not a database
 */
export function inspect(database: DatabaseSync): FileState {
  const version = numberOf(database, 'user_version')
  const id = numberOf(database, 'application_id')
  const tables = database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .all()
    .map((row) => String(row['name']))
  if (tables.length === 0 && version === 0) return { kind: 'empty' }
  if (id !== applicationId) {
    const isFirst =
      version === 0 &&
      Object.entries(firstEdition).every(
        ([table, columns]) => columnsOf(database, table) === columns,
      )
    return isFirst
      ? { kind: 'old', version: 0 }
      : { kind: 'refused', reason: 'it is a database of another program' }
  }
  if (version > schemaVersion)
    return {
      kind: 'refused',
      reason: `its schema is version ${version}, this jobd knows ${schemaVersion}: a newer jobd wrote it`,
    }
  return version === schemaVersion ? { kind: 'current' } : { kind: 'old', version }
}

/** Makes the tables of a new file. */
export function create(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE jobs ${jobsTable1}; ${indexes}
    ${settingsTable};
    ${version2} ${version3}
    INSERT INTO settings VALUES ('keepDone', '${7 * 86_400_000}'), ('keepFailed', '${30 * 86_400_000}');
    ${stamp};
  `)
}

/**
 * Migrates from version 0. The table `jobs` is written again, because SQLite cannot remove the UNIQUE of the old column
 * `key`. The jobs' file has no retention, so it keeps all jobs, as before, until the operator sets a retention.
 */
function fromFirstEdition(database: DatabaseSync): void {
  const kept = firstEdition.jobs.replaceAll(' ', ', ')
  database.exec(`
    DROP INDEX IF EXISTS jobsOfState;
    ALTER TABLE jobs RENAME TO oldJobs;
    CREATE TABLE jobs ${jobsTable1};
    INSERT INTO jobs (${kept}, heldKey, endedAt)
      SELECT ${kept}, key, CASE WHEN state IN ('done', 'failed', 'cancelled') THEN notBefore END FROM oldJobs;
    DROP TABLE oldJobs;
    ${indexes} ${settingsTable}; PRAGMA application_id = ${applicationId};
  `)
}

/** Migrates from version 1. All results in such a file are texts. */
function fromVersion1(database: DatabaseSync): void {
  database.exec(`${version2} UPDATE jobs SET resultType = 'text' WHERE result IS NOT NULL;`)
}

/**
 * Migrates from version 2. A job had one output, to which all its attempts wrote. It becomes the output of the latest
 * attempt, because the jobs' file does not say which attempt wrote which row.
 */
function fromVersion2(database: DatabaseSync): void {
  database.exec(`
    DROP INDEX IF EXISTS outputsOfJob;
    ALTER TABLE outputs RENAME TO oldOutputs;
    ${version3}
    INSERT INTO outputs (job, attempt, start, text)
      SELECT job, max(attempts, 1),
        coalesce(sum(octet_length(text)) OVER (
          PARTITION BY job ORDER BY oldOutputs.rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0), text
      FROM oldOutputs JOIN jobs ON jobs.id = job WHERE text <> '';
    DROP TABLE oldOutputs;
  `)
}

/** The migration from each older version to the next one. */
const steps: readonly ((database: DatabaseSync) => void)[] = [
  fromFirstEdition,
  fromVersion1,
  fromVersion2,
]

/** Migrates an older file to this version. Must be called in a transaction. */
export function migrate(database: DatabaseSync, version: number): void {
  for (const step of steps.slice(version)) step(database)
  database.exec(stamp)
}

export function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
}

function columnsOf(database: DatabaseSync, table: string): string {
  const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all(table)
  return columns.map((column) => String(column['name'])).join(' ')
}
