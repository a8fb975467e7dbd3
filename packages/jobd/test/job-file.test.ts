import { once } from 'node:events'
import { copyFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { JobFile } from '../src/store/job-file.ts'
import { checkFile, restoreFile } from '../src/store/maintenance.ts'
import { schemaVersion } from '../src/store/schema.ts'
import { firstEdition, holdFile, rowsOf, take } from './support/files.ts'
import { inFolder } from './support/folder.ts'
import { inJobd } from './support/in-jobd.ts'

const slow = { tags: ['slow'] }

test('a file that is in use cannot be taken a second time, not even by a symbolic link', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'jobs')
    const link = join(folder, 'link')
    using file = await take(path)
    expect(file).toBeInstanceOf(JobFile)
    await expect(take(path)).rejects.toThrow(
      new RegExp(`^${path} is in use by process ${process.pid} on `),
    )
    await symlink(path, link)
    await expect(take(link)).rejects.toThrow('is in use by process')
  }))

test('a process that waits for the lock of a file gets it when the holder ends', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'jobs')
    const first = await take(path)
    const notices: string[] = []
    const second = take(path, {
      waitLock: 10_000,
      notice: (text: string) => {
        notices.push(text)
        first.release()
      },
    })
    using file = await second
    expect(file).toBeInstanceOf(JobFile)
    expect(notices).toEqual([expect.stringContaining('waiting for at most 10000 ms')])
  }))

test('the lock of a killed process is free at once', slow, () =>
  inFolder(async (folder) => {
    const path = join(folder, 'jobs')
    const child = holdFile(path, 'setInterval(() => {}, 1000)')
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
    await expect(take(path)).rejects.toThrow(`is in use by process ${child.pid}`)
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    using file = await take(path)
    expect(file).toBeInstanceOf(JobFile)
    expect(await readdir(folder)).not.toContain('jobs-lock-journal')
  }),
)

test('with vacuum: false an old file is not rewritten to be able to shrink, and the next start does it', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'jobs')
    await copyFile(firstEdition, path)
    const notices: string[] = []
    const options = { vacuum: false, notice: (text: string) => notices.push(text) }
    ;(await take(path, options)).release()
    expect(notices.at(-1)).toContain('cannot shrink until')
    expect(rowsOf(path, 'PRAGMA auto_vacuum')).toEqual([{ auto_vacuum: 0 }])
    ;(await take(path)).release()
    expect(rowsOf(path, 'PRAGMA auto_vacuum')).toEqual([{ auto_vacuum: 2 }])
  }))

test.for([
  ['a newer jobd', `PRAGMA user_version = ${schemaVersion + 1}`, /a newer jobd wrote it$/],
  ['another program, by the name of its table', null, /it is a database of another program$/],
])('a file of %s is refused and not changed', ([, sql, message]) =>
  inFolder(async (folder) => {
    const path = join(folder, 'jobs')
    if (typeof sql === 'string') {
      ;(await take(path)).release()
      using database = new DatabaseSync(path)
      database.exec(sql)
    } else {
      using database = new DatabaseSync(path)
      database.exec('CREATE TABLE jobs (id INTEGER PRIMARY KEY, kind TEXT)')
    }
    const before = rowsOf(path, 'SELECT sql FROM sqlite_schema')
    await expect(take(path)).rejects.toThrow(message)
    expect(rowsOf(path, 'SELECT sql FROM sqlite_schema')).toEqual(before)
    // The failed attempt has released the lock, so the next attempt fails with the same message.
    await expect(take(path)).rejects.toThrow(message)
  }),
)

test.for([
  ['is no database', (path: string) => writeFile(path, 'a letter')],
  ['has one byte', (path: string) => writeFile(path, '1')],
  [
    'belongs to another program',
    (path: string) => {
      using database = new DatabaseSync(path)
      database.exec('CREATE TABLE letters (text)')
    },
  ],
] as const)('a refused file that %s has no new files beside it', ([, write]) =>
  inFolder(async (folder) => {
    const path = join(folder, 'file')
    await write(path)
    await expect(take(path)).rejects.toThrow(/file is not a database$|of another program$/)
    expect(() => checkFile(path)).toThrow(path)
    expect(() => restoreFile(path, join(folder, 'jobs'))).toThrow(path)
    expect(await readdir(folder)).toEqual(['file'])
  }),
)

test('a damaged file is refused with an error of one line', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'jobs')
    ;(await take(path)).release()
    {
      using database = new DatabaseSync(path)
      database.exec(`
        WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2000)
        INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, state, attempts, allowed, createdAt, notBefore)
        SELECT 'sleep', printf('%0200d', i), 0, 0, 0, 0, 'queued', 0, 1, 1, 1 FROM c;
        PRAGMA wal_checkpoint(TRUNCATE)`)
    }
    const { open } = await import('node:fs/promises')
    const handle = await open(path, 'r+')
    await handle.write(Buffer.alloc(20_000, 0x5a), 0, 20_000, 100_000)
    await handle.close()
    await expect(take(path)).rejects.toThrow(new RegExp(`^${path} (is broken|cannot be used): .+$`))
    await writeFile(path, 'no database '.repeat(1_000))
    await expect(take(path)).rejects.toThrow(/file is not a database$/)
  }))

test('a job that ran at three deaths of the server has failed, and orderly ends do not count', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'jobs')
    const add = (state: string): void => {
      using database = new DatabaseSync(path)
      database.exec(`INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, state, attempts, allowed, createdAt, notBefore)
        VALUES ('sleep', '1', 0, 0, 0, 5, '${state}', 1, 6, 1, 1)`)
    }
    const setRunning = (): void => {
      using database = new DatabaseSync(path)
      database.exec(`UPDATE jobs SET state = 'running' WHERE id = 1 AND state = 'queued'`)
    }
    ;(await take(path)).release()
    add('queued')
    for (let i = 0; i < 5; i++) {
      const file = await take(path)
      setRunning()
      file.release()
    }
    expect(rowsOf(path)).toMatchObject([{ state: 'queued', deaths: 0 }])
    for (let death = 1; death <= 3; death++) {
      setRunning()
      // The file is not released, just as after a crash.
      using file = await take(path)
      expect(file).toBeInstanceOf(JobFile)
      expect(rowsOf(path)).toMatchObject([
        death < 3
          ? { state: 'queued', deaths: death, endedAt: null }
          : {
              state: 'failed',
              error: 'lost with the server, which died during 3 of its attempts',
              endedAt: expect.any(Number),
            },
      ])
    }
  }))

test('a job that ran when the server died can be cancelled before it begins again', slow, () =>
  inFolder(async (folder) => {
    const path = join(folder, 'jobs')
    ;(await take(path)).release()
    {
      using database = new DatabaseSync(path)
      database.exec(`INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, state, attempts, allowed, createdAt, notBefore)
        VALUES ('shell', 'touch ${folder}/begun', 0, 0, 0, 5, 'running', 1, 6, 1, 1)`)
    }
    await inJobd(
      async ({ client, get }) => {
        await client.command('JOB.CANCEL', 1)
        expect(await get(1)).toMatchObject({ state: 'cancelled', attempts: 1, deaths: 1 })
      },
      { file: path },
    )
    expect(await readdir(folder)).not.toContain('begun')
  }),
)
