import { once } from 'node:events'
import { copyFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { schemaVersion } from '../src/store/schema.ts'
import { firstEdition, holdFile, rowsOf, take } from './support/files.ts'
import { inFolder } from './support/folder.ts'
import { inJobd } from './support/in-jobd.ts'

const slow = { tags: ['slow'] }

/**
 * Makes a file of an older version at `path`. Version 0 is kept as a file, and later versions as SQL. In each of them the server
 * has died while jobs ran.
 */
async function putOld(version: number, path: string): Promise<void> {
  if (version === 0) {
    await copyFile(firstEdition, path)
    return
  }
  const sql = await readFile(new URL(`fixtures/version-${version}.sql`, import.meta.url), 'utf8')
  using database = new DatabaseSync(path)
  database.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL')
  database.exec(sql)
}

const versions = Array.from({ length: schemaVersion }, (_, version) => version)

/** The SQL that reads the output of each job as one text, from all its rows. */
const outputs = (order: string): string =>
  `SELECT job, group_concat(text, '') AS text FROM (SELECT * FROM outputs ORDER BY job, ${order}) GROUP BY job`

/** Returns the tables of a file with their columns, and the indexes. */
function shapeOf(path: string): unknown {
  const columns = `SELECT m.name, c.name AS "column", c.type, c."notnull", c.dflt_value, c.pk
    FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' ORDER BY 1, 2`
  const indexes = `SELECT m.tbl_name, m.name, i.name AS "column" FROM sqlite_schema AS m, pragma_index_info(m.name) AS i
    WHERE m.type = 'index' ORDER BY 1, 2, i.seqno`
  return [rowsOf(path, columns), rowsOf(path, indexes)]
}

test.for(versions)(
  'a file of version %i is migrated to the version of today without loss',
  (version) =>
    inFolder(async (folder) => {
      const path = join(folder, 'jobs')
      const fresh = join(folder, 'fresh')
      await putOld(version, path)
      const before = rowsOf(path)
      const beforeOutputs = rowsOf(path, outputs('rowid'))
      const settings = `SELECT * FROM settings WHERE name <> 'holder' ORDER BY name`
      const beforeSettings = version === 0 ? [] : rowsOf(path, settings)
      const beforeRest = tablesOfVersion2.map((table) => (version < 2 ? [] : rowsOf(path, table)))
      const notices: string[] = []
      ;(await take(path, { notice: (text: string) => notices.push(text) })).release()

      expect(notices[0]).toContain(`a copy is kept as ${path}.v${version}`)
      expect(rowsOf(`${path}.v${version}`)).toEqual(before)
      const after = rowsOf(path)
      expect(after).toHaveLength(before.length)
      for (const [i, row] of before.entries()) {
        const ran = row['state'] === 'running'
        expect(after[i]).toMatchObject({
          ...row,
          state: ran ? 'queued' : row['state'],
          deaths: Number(row['deaths'] ?? 0) + (ran ? 1 : 0),
          // In version 0 a job held its key until the job was deleted. Before version 2 every result was a text.
          ...(version === 0 ? { heldKey: row['key'] } : {}),
          ...(version < 2 && row['result'] !== null ? { resultType: 'text' } : {}),
        })
      }
      expect(rowsOf(path, outputs('attempt, start'))).toEqual(beforeOutputs)
      expect(rowsOf(path, settings)).toEqual(beforeSettings)
      expect(tablesOfVersion2.map((table) => rowsOf(path, table))).toEqual(beforeRest)
      // The migration records an attempt that ended because the server died.
      expect(rowsOf(path, 'SELECT job, attempt, state FROM attempts ORDER BY job')).toEqual(
        before
          .filter(({ state }) => state === 'running')
          .map(({ id, attempts }) => ({ job: id, attempt: attempts, state: 'lost' })),
      )
      ;(await take(fresh)).release()
      expect(shapeOf(path)).toEqual(shapeOf(fresh))
      // The migrated file can shrink, which a file of version 0 could not.
      expect(rowsOf(path, 'PRAGMA auto_vacuum')).toEqual([{ auto_vacuum: 2 }])
    }),
)

const tablesOfVersion2 = ['steps', 'begins', 'schedules'].map(
  (table) => `SELECT * FROM ${table} ORDER BY 1, 2`,
)

test.for(versions)(
  'a server on a file of version %i shows its old jobs and runs them',
  slow,
  (version) =>
    inFolder(async (folder) => {
      const path = join(folder, 'jobs')
      await putOld(version, path)
      const [failed] = rowsOf(path, `SELECT id, attempts FROM jobs WHERE state = 'failed'`)
      const old = rowsOf(path, outputs('rowid')).find(({ job }) => job === failed?.['id'])
      await inJobd(
        async ({ client }) => {
          const [id, attempt] = [Number(failed?.['id']), Number(failed?.['attempts'])]
          expect(await client.log(id)).toBe(old?.['text'] ?? '')
          await client.command('JOB.PAUSE')
          await client.retry(id)
          expect((await client.attempts(id)).at(-1)).toMatchObject({ attempt, state: 'failed' })
          await client.cancel(id)
          const added = await client.add('shell', 'echo new')
          await client.command('JOB.RESUME')
          await client.command('JOB.RESUME', 'sleep')
          await client.wait(added)
          expect(await client.log(added)).toBe('new\n')
          expect(await client.log(id, { attempt })).toBe(old?.['text'] ?? '')
        },
        // The jobs in the files are old, so retention is off. Jobs that ran when the server died run again for minutes, so there
        // are enough workers for the other jobs too.
        { file: path, workers: 6, retention: { done: Infinity, failed: Infinity } },
      )
    }),
)

test.for([
  [0, 20],
  [2, 6],
] as const)(
  'a migration from version %i that is killed, %i times, loses nothing and is completed later',
  { tags: ['slow'], timeout: 60_000 },
  ([version, rounds]) =>
    inFolder(async (folder) => {
      const path = join(folder, 'jobs')
      await putOld(version, path)
      {
        // The file is so large that a kill can come in the middle of the migration.
        using database = new DatabaseSync(path)
        database.exec(`
        WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 60000)
        INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, key, state, attempts, allowed, createdAt, notBefore)
        SELECT 'sleep', printf('%0200d', i), 0, 0, 0, 0, 'key-' || i, 'queued', 0, 1, 1, 1 FROM c;
        WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 60000)
        INSERT INTO outputs (job, text) SELECT 1 + i % 40, printf('%0200d' || char(10), i) FROM c`)
      }
      const summary = 'SELECT count(*) AS n, sum(id) AS ids, count(DISTINCT key) AS keys FROM jobs'
      const written = 'SELECT sum(length(text)) AS n, count(DISTINCT job) AS jobs FROM outputs'
      const look = (file: string): unknown => [rowsOf(file, summary), rowsOf(file, written)]
      const before = look(path)
      let cut = 0
      for (let round = 0; round < rounds; round++) {
        const child = holdFile(path, 'process.exit()')
        const exited = once(child, 'exit') as Promise<[number | null, string | null]>
        let timer: NodeJS.Timeout | undefined
        // A copy of the old file appears in the middle of the migration. The process is killed at a random moment after that.
        const watch = setInterval(() => {
          void readdir(folder).then((names) => {
            if (!names.some((name) => name.startsWith(`jobs.v${version}`))) return
            clearInterval(watch)
            timer ??= setTimeout(() => child.kill('SIGKILL'), Math.random() * 300)
          })
        }, 5)
        const [code] = await exited
        clearInterval(watch)
        clearTimeout(timer)
        if (code === null) cut++
        expect(rowsOf(path, 'PRAGMA quick_check')).toEqual([{ quick_check: 'ok' }])
        expect(look(path)).toEqual(before)
        if (code === 0) {
          // The migration has ended before the kill. The next round begins with the copy of the old file.
          const copy = `${path}.v${version}`
          expect(look(copy)).toEqual(before)
          await copyFile(copy, path)
        }
      }
      expect(cut).toBeGreaterThan(0)
      ;(await take(path)).release()
      expect(look(path)).toEqual(before)
      expect(rowsOf(path, 'PRAGMA user_version')).toEqual([{ user_version: schemaVersion }])
    }),
)
