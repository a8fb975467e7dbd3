import type { DatabaseSync } from 'node:sqlite'

/** Written into the header of a file of ours ("jobd" in ASCII): `file` and other programs recognize it. */
export const applicationId = 0x6a_6f_62_64

/** The version of the schema below, kept in SQLite's `user_version`. The first edition wrote 0. */
export const schemaVersion = 3

/**
 * `key` is what the client gave and is kept for display. `heldKey` is the same text while the job blocks its key, and
 * NULL afterwards: two jobs can then have had one key, but only one can hold it. `endedAt` is NULL until the state is final.
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
 * What version 2 adds: groups, results that are JSON, steps, the times at which jobs of kinds with a rate began, and
 * schedules. The unique index makes it impossible that a schedule adds two jobs for one time.
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
 * What version 3 adds: the attempts that a job had before its latest one, and an output for each attempt. `start` is at
 * which byte of the attempt's output a row begins: see `job-outputs.ts`.
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

/** What must be done with a file before this version can use it. */
export type FileState =
  | { kind: 'empty' }
  | { kind: 'current' }
  | { kind: 'old'; version: number }
  | { kind: 'refused'; reason: string }

/** The columns of the first edition's tables, as SQLite lists them: other tables of these names are not ours. */
const firstEdition = {
  jobs: 'id kind payload priority delay timeout retries key state attempts allowed result error createdAt notBefore',
  outputs: 'job text',
}

/** Looks at the tables without changing anything. @throws what SQLite says of a file that is not a database */
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
 * From version 0: the table is written anew, because SQLite cannot drop the UNIQUE of the old column `key`. The file
 * gets no retention: it keeps everything, as it did, until the operator turns retention on.
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

/** From version 1: results so far were texts. */
function fromVersion1(database: DatabaseSync): void {
  database.exec(`${version2} UPDATE jobs SET resultType = 'text' WHERE result IS NOT NULL;`)
}

/**
 * From version 2: a job had one output, to which all its attempts wrote. It becomes the output of the latest attempt,
 * because nothing says which attempt wrote which row.
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

/** The step from each older version to the next. */
const steps: readonly ((database: DatabaseSync) => void)[] = [
  fromFirstEdition,
  fromVersion1,
  fromVersion2,
]

/** Brings an older file to this version; to be called in a transaction. */
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
