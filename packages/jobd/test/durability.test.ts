import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { gather, run } from '@tasktree/core'
import { expect, test } from 'vitest'
import { JobClient, toRecord } from '../src/client/job-client.ts'
import { allJobs, countDeletions, recordDeletions } from './support/deletions.ts'
import { inFolder } from './support/folder.ts'
import { inJobd, until } from './support/in-jobd.ts'
import { main } from './support/served.ts'

const slow = { tags: ['slow'] }
const notJobs = fileURLToPath(new URL('../README.md', import.meta.url))
const rounds = Number(process.env['JOBD_KILL_ROUNDS'] ?? 20)

/** Starts the built server in a new process. */
async function serve(file: string): Promise<{ child: ChildProcess; port: number }> {
  const words = ['serve', '--db', file, '--port', '0', '--http', '0', '--workers', '4']
  words.push('--keep-last', '5')
  // On a busy machine the server may be killed in each attempt of a job. The job must not fail because of that.
  words.push('--max-deaths', '1000')
  const child = spawn(process.execPath, [main, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /listens on .*:(\d+)$/.exec(line)?.[1]
    if (port !== undefined) return { child, port: Number(port) }
  }
  throw new Error('the server has not started')
}

/**
 * Adds jobs as fast as they are acknowledged, until the server is gone. Calls `onAcknowledged` for each acknowledged job,
 * and returns all of them.
 */
async function load(
  port: number,
  marks: string,
  name: string,
  onAcknowledged: () => void,
): Promise<number[]> {
  const acknowledged: number[] = []
  try {
    await using client = await JobClient.connect('127.0.0.1', port)
    for (let i = 0; ; i++) {
      // Each attempt of a `shell` job adds a line to the file of marks, so that the attempts can be counted.
      const words = i % 10 === 0 ? ['shell', `echo ${name}-${i} >> ${marks}`] : ['sleep', '1']
      acknowledged.push(Number(await client.command('JOB.ADD', ...words)))
      onAcknowledged()
    }
  } catch {
    // The server was killed, as the test wants.
  }
  return acknowledged
}

/** Returns for each `shell` job how many marks it left, and how many attempts the server counted. */
async function countMarks(
  database: DatabaseSync,
  marks: string,
): Promise<{ marks: number; attempts: number }[]> {
  const counts = new Map<string, number>()
  for (const line of (await readFile(marks, 'utf8')).trim().split('\n'))
    counts.set(line, (counts.get(line) ?? 0) + 1)
  const jobs = database
    .prepare(`SELECT payload, attempts FROM ${allJobs} WHERE kind = 'shell'`)
    .all()
  return jobs.map(({ payload, attempts }) => ({
    marks: counts.get(String(payload).split(' ')[1] as string) ?? 0,
    attempts: Number(attempts),
  }))
}

test(
  `${rounds} kills at random moments: no acknowledged job is lost or deleted before its end, and the file is whole`,
  { tags: ['slow'], timeout: 30_000 + rounds * 5_000 },
  () =>
    run(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'jobd-kill-'))
      try {
        const file = join(folder, 'jobs.sqlite')
        const marks = join(folder, 'marks')
        const acknowledged = new Set<number>()
        for (let round = 0; round < rounds; round++) {
          const { child, port } = await serve(file)
          const exited = once(child, 'exit')
          if (round === 0) {
            recordDeletions(file)
            // A job of a paused kind must not begin, even if the server is killed many times.
            await using client = await JobClient.connect('127.0.0.1', port)
            await client.command('JOB.PAUSE', 'python')
            acknowledged.add(Number(await client.command('JOB.ADD', 'python', 'print(1)')))
          }
          // On a busy machine the server may need more time for its first job than it has here for all jobs. So the time until
          // the kill begins with the first acknowledged job.
          let isToBeKilled = false
          const killSoon = (): void => {
            if (isToBeKilled) return
            isToBeKilled = true
            setTimeout(() => child.kill('SIGKILL'), Math.random() * 200)
          }
          const clients = Array.from(
            { length: 8 },
            (_, i) => () => load(port, marks, `${round}-${i}`, killSoon),
          )
          for (const id of (await gather(clients)).flat()) {
            // The server never gives a number twice.
            expect(acknowledged.has(id)).toBe(false)
            acknowledged.add(id)
          }
          await exited
          using database = new DatabaseSync(file)
          expect(database.prepare('PRAGMA integrity_check').get()).toEqual({
            integrity_check: 'ok',
          })
          const known = new Set(
            database
              .prepare(`SELECT id FROM ${allJobs}`)
              .all()
              .map(({ id }) => id),
          )
          expect([...acknowledged].filter((id) => !known.has(id))).toEqual([])
          expect(countDeletions(database).early).toBe(0)
          // When a job begins its next attempt, the file keeps how the attempt before it ended.
          const untold = database.prepare(
            `SELECT id, attempts FROM jobs WHERE attempts - 1 > (SELECT count(*) FROM attempts WHERE job = id AND attempt < attempts)`,
          )
          expect(untold.all()).toEqual([])
        }
        expect(acknowledged.size).toBeGreaterThan(rounds)
        // In the end every acknowledged job is done.
        const { child, port } = await serve(file)
        const exited = once(child, 'exit')
        {
          await using client = await JobClient.connect('127.0.0.1', port)
          await until(async () => {
            const { queued, running } = toRecord(await client.command('JOB.STATS'))
            return queued === 1 && running === 0
          })
          const [paused] = acknowledged
          expect(toRecord(await client.command('JOB.GET', paused as number))).toMatchObject({
            kind: 'python',
            state: 'queued',
            attempts: 0,
          })
          await client.command('JOB.RESUME')
          await client.command('JOB.WAIT', paused as number)
          expect((await client.command('JOB.DELETE', paused as number)) as number).toBe(1)
          acknowledged.delete(paused as number)
          await until(async () => Number(toRecord(await client.command('JOB.STATS'))['done']) <= 5)
        }
        child.kill('SIGTERM')
        await exited
        using database = new DatabaseSync(file)
        const [ended] = database
          .prepare(
            `SELECT count(*) AS n, min(attempts) AS least FROM ${allJobs} WHERE state = 'done'`,
          )
          .all()
        expect(Number(ended?.['n'])).toBeGreaterThanOrEqual(acknowledged.size)
        expect(ended?.['least']).toBe(1)
        const [all] = database.prepare(`SELECT count(*) AS n FROM ${allJobs}`).all()
        expect(ended?.['n']).toBe(all?.['n'])
        const deletions = countDeletions(database)
        expect(deletions.early).toBe(0)
        expect(deletions.all).toBeGreaterThanOrEqual(Number(all?.['n']) - 5)
        const counted = await countMarks(database, marks)
        expect(counted.length).toBeGreaterThan(rounds)
        // Each job has run at least once, and not more often than the server has counted attempts.
        expect(counted.filter((job) => job.marks < 1 || job.marks > job.attempts)).toEqual([])
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    }),
)

test('on a full disk commands get an error, reads work, and no actor crashes', slow, () =>
  inJobd(
    async ({ jobd, add, wait, get, client }) => {
      const first = await add('sleep', '0')
      await wait(first)
      const payload = `true ${'x'.repeat(20_000)}`
      let stored = 0
      const fill = async (): Promise<void> => {
        for (;;) {
          await add('shell', payload, 'DELAY', '3600000')
          stored++
        }
      }
      await expect(fill()).rejects.toThrow(/^ERR the jobs' file cannot be written: .*full/)
      await expect(add('shell', payload)).rejects.toThrow(/^ERR .*full/)
      expect(stored).toBeGreaterThan(5)
      expect(await get(first)).toMatchObject({ state: 'done' })
      expect(toRecord(await client.command('JOB.STATS'))['queued']).toBe(stored)
      expect(jobd.system.tree()).not.toContain('restarts')
    },
    { maxFileSize: 400_000 },
  ),
)

test(
  'a server whose file is read-only starts, shows the jobs and says why it cannot write',
  slow,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'jobd-readonly-'))
    try {
      const file = join(folder, 'jobs.sqlite')
      await inJobd(async ({ add }) => void (await add('sleep', '0', 'DELAY', '3600000')), { file })
      // This byte says that only a later version of SQLite can write the file. So this SQLite can only read it, for every user.
      // Source: https://www.sqlite.org/fileformat2.html
      const handle = await open(file, 'r+')
      await handle.write(Buffer.from([3]), 0, 1, 18)
      await handle.close()
      await inJobd(
        async ({ jobd, add, get, client }) => {
          await expect(add('sleep', '0')).rejects.toThrow(
            "ERR the jobs' file cannot be written: attempt to write a readonly database",
          )
          await expect(client.command('JOB.RETRY', 1)).rejects.toThrow('ERR job 1 is queued')
          expect(await get(1)).toMatchObject({ state: 'queued' })
          expect(jobd.system.tree()).not.toContain('restarts')
        },
        { file },
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)

test(
  'a path that cannot be opened as a file of jobs makes the start fail with an error that names it',
  slow,
  async () => {
    await expect(inJobd(async () => {}, { file: '/nowhere/jobs.sqlite' })).rejects.toThrow(
      /^\/nowhere\/jobs.sqlite cannot be used: unable to open database file$/,
    )
    await inFolder(async (folder) => {
      const file = join(folder, 'jobs.sqlite')
      await copyFile(notJobs, file)
      await expect(inJobd(async () => {}, { file })).rejects.toThrow(/file is not a database/)
    })
  },
)

test('a store whose file is broken is restarted with ever longer delays', slow, () =>
  inJobd(async ({ jobd, file, add }) => {
    await add('sleep', '0', 'DELAY', '3600000')
    const delays: number[] = []
    using events = jobd.system.events.subscribe()
    await using other = await JobClient.connect('127.0.0.1', jobd.port)
    const writer = new DatabaseSync(file)
    // Another program drops a table, so that the store fails from now on.
    writer.exec('DROP TABLE jobs; CREATE VIEW jobs AS SELECT 1 AS id')
    writer.close()
    void other.command('JOB.ADD', 'sleep', '0').catch(() => {})
    for await (const event of events) {
      if (event.type !== 'restarting') continue
      delays.push(event.delay)
      if (delays.length >= 6) break
    }
    expect((delays[5] ?? 0) / (delays[0] ?? 1)).toBeGreaterThan(8)
    expect(jobd.system.done.done()).toBe(false)
  }),
)
