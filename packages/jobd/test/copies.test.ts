import {
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { backUpFile, checkFile, restoreFile } from '../src/store/maintenance.ts'
import { take } from './support/files.ts'
import { inFolder } from './support/folder.ts'
import { inJobd } from './support/in-jobd.ts'

/** Makes a file of jobs that no server uses, with `jobs` jobs in it. */
async function makeFile(path: string, jobs = 0): Promise<void> {
  ;(await take(path)).release()
  addRows(path, jobs)
}

function addRows(path: string, jobs: number): void {
  using database = new DatabaseSync(path)
  for (let i = 0; i < jobs; i++) insertRow(database)
}

function insertRow(database: DatabaseSync): void {
  database.exec(`INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, state, attempts, allowed, createdAt, notBefore)
    VALUES ('sleep', '0', 0, 0, 0, 0, 'queued', 0, 1, 0, 0)`)
}

const countOf = (path: string): number =>
  Object.values(checkFile(path).counts).reduce((sum, n) => sum + n, 0)

test('a backup or restore does not overwrite the file of a running server, even by another name', () =>
  inFolder(async (folder) => {
    const [file, other] = [join(folder, 'jobs'), join(folder, 'other')]
    await makeFile(other, 5)
    await inJobd(
      async ({ add, wait }) => {
        const id = await add('sleep', '0')
        await wait(id)
        const copy = join(folder, 'copy')
        backUpFile(file, copy)
        symlinkSync('jobs', join(folder, 'link'))
        linkSync(file, join(folder, 'twin'))
        const names = [file, `${folder}/./jobs`, join(folder, 'link'), join(folder, 'twin')]
        for (const name of names)
          expect(() => backUpFile(file, name)).toThrow("is the jobs' file itself")
        for (const suffix of ['-wal', '-shm', '-lock', '-journal']) {
          expect(() => backUpFile(file, file + suffix)).toThrow('is refused')
          expect(() => restoreFile(copy, file + suffix)).toThrow('is refused')
        }
        symlinkSync('jobs-lock', join(folder, 'hidden'))
        expect(() => backUpFile(file, join(folder, 'hidden'))).toThrow('is refused')
        for (const name of [file, join(folder, 'link')])
          expect(() => restoreFile(copy, name)).toThrow('is in use by process')
        // A copy of another file does not replace the file of this server either.
        for (const name of [file, join(folder, 'link')])
          expect(() => backUpFile(other, name)).toThrow('is in use by process')
        await wait(await add('sleep', '0'))
        expect(checkFile(file).counts).toEqual({ done: 2 })
      },
      { file },
    )
    // When the server has ended, the same call replaces the file.
    backUpFile(other, file)
    expect(countOf(file)).toBe(5)
  }))

test('a backup or restore to a symbolic link writes the file behind the link', () =>
  inFolder(async (folder) => {
    const [file, copy, link] = [join(folder, 'jobs'), join(folder, 'copy'), join(folder, 'link')]
    await makeFile(file, 3)
    await makeFile(copy, 1)
    symlinkSync('copy', link)
    backUpFile(file, link)
    expect(countOf(copy)).toBe(3)
    addRows(file, 1)
    expect(restoreFile(file, link)).toBe(`${copy}.before-restore`)
    expect(countOf(copy)).toBe(4)
  }))

test('a restore does not replace a file with a write-ahead log, which would damage the copy', () =>
  inFolder(async (folder) => {
    const [file, old] = [join(folder, 'jobs'), join(folder, 'old')]
    await makeFile(file, 3)
    await makeFile(old, 1)
    // This makes the files that a killed server leaves: a database, and the write-ahead log with a job.
    const killed = join(folder, 'killed')
    {
      using database = new DatabaseSync(old)
      database.exec('PRAGMA journal_mode = WAL')
      insertRow(database)
      copyFileSync(old, killed)
      copyFileSync(`${old}-wal`, `${killed}-wal`)
    }
    expect(() => backUpFile(file, killed)).toThrow('cannot be replaced')
    // As the source of a restore, the file is read together with its log.
    restoreFile(killed, file)
    expect(countOf(file)).toBe(2)
    expect(countOf(`${file}.before-restore`)).toBe(3)
  }))

test('a restore does not replace a file that another program reads, whose log would damage the copy', () =>
  inFolder(async (folder) => {
    const [file, copy] = [join(folder, 'jobs'), join(folder, 'copy')]
    await makeFile(file, 3)
    backUpFile(file, copy)
    {
      using reader = new DatabaseSync(file)
      reader.exec('PRAGMA journal_mode = WAL; BEGIN')
      reader.prepare('SELECT count(*) FROM jobs').get()
      addRows(file, 200)
      expect(() => restoreFile(copy, file)).toThrow('jobs is in use by another program')
      expect(countOf(file)).toBe(203)
      // A program that has the file open but does not read does not prevent the restore. It then changes only the old file.
      reader.exec('COMMIT')
      restoreFile(copy, file)
      expect(countOf(file)).toBe(3)
      insertRow(reader)
    }
    expect(countOf(file)).toBe(3)
    expect(countOf(`${file}.before-restore`)).toBeGreaterThanOrEqual(203)
  }))

test('a backup or restore that fails leaves all files as they were', () =>
  inFolder(async (folder) => {
    const [file, copy, broken] = [join(folder, 'jobs'), join(folder, 'copy'), join(folder, 'bad')]
    await makeFile(file, 3)
    backUpFile(file, copy)
    copyFileSync(file, broken)
    truncateSync(broken, 8_192)
    // SQLite makes the files -wal and -shm when it opens a file to read it.
    const names = (): string[] => readdirSync(folder).filter((name) => !/-wal$|-shm$/.test(name))
    const before = names()
    const [bytes, copied] = [readFileSync(file), readFileSync(copy)]
    expect(() => backUpFile(broken, copy)).toThrow('cannot be used')
    expect(() => restoreFile(broken, file)).toThrow('bad ')
    expect(() => restoreFile(file, file)).toThrow("is the jobs' file itself")
    expect(readFileSync(file)).toEqual(bytes)
    expect(readFileSync(copy)).toEqual(copied)
    expect(names()).toEqual(before)
  }))

test('a backup and a restore do not overwrite files with the names of their temporary files', () =>
  inFolder(async (folder) => {
    const [file, copy] = [join(folder, 'jobs'), join(folder, 'copy')]
    await makeFile(file, 2)
    writeFileSync(`${copy}.part`, 'a note')
    backUpFile(file, copy)
    writeFileSync(`${file}.part`, 'a note')
    // Each restore keeps the file that it replaces, under a new name.
    expect(restoreFile(copy, file)).toBe(`${file}.before-restore`)
    expect(restoreFile(copy, file)).toBe(`${file}.before-restore-2`)
    for (const path of [copy, file]) expect(readFileSync(`${path}.part`, 'utf8')).toBe('a note')
    // A source with a name that a temporary file could have is not overwritten either.
    const source = `${join(folder, 'late')}.part`
    copyFileSync(file, source)
    backUpFile(source, join(folder, 'late'))
    expect(existsSync(source)).toBe(true)
  }))
