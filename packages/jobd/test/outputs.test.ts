import { DatabaseSync } from 'node:sqlite'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type ActorRef, ActorSystem, child, silentLogger } from '@tasktree/actor'
import { run, sleep } from '@tasktree/core'
import * as fc from 'fast-check'
import { defineKinds } from '@tasktree/jobd'
import { expect, test } from 'vitest'
import type { AttemptRecord } from '../src/jobs/job.ts'
import { JobFeed } from '../src/store/job-feed.ts'
import { JobFile } from '../src/store/job-file.ts'
import { JobOutputs, textOf } from '../src/store/job-outputs.ts'
import { create } from '../src/store/schema.ts'
import { Statements } from '../src/store/statements.ts'
import { Store } from '../src/store/store.ts'
import { inFolder } from './support/folder.ts'
import { inJobd, until } from './support/in-jobd.ts'
import { request } from './support/scheduling.ts'

const slow = { tags: ['slow'] }
const KiB = 1_024

/** Makes the outputs of a new database in memory. */
function open(): { database: DatabaseSync; outputs: () => JobOutputs; kept: () => number } {
  const database = new DatabaseSync(':memory:')
  create(database)
  const statements = new Statements(database)
  const sum = 'SELECT coalesce(sum(octet_length(text)), 0) AS n FROM outputs'
  return {
    database,
    outputs: () => new JobOutputs(statements),
    kept: () => Number(database.prepare(sum).get()?.['n']),
  }
}

test('of random output the beginning and the end are kept with characters whole, and the file stays small', () => {
  const character = fc.constantFrom('a', 'é', '☃', '😀', '\n')
  const piece = fc.tuple(character, fc.integer({ min: 0, max: 120_000 }), fc.boolean())
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const { database, outputs, kept } = open()
      using _ = database
      let current = outputs()
      let all = ''
      for (const [text, count, isRestarted] of pieces) {
        // A store that was restarted no longer knows how long the output is.
        if (isRestarted) current = outputs()
        const offset = current.append(1, 1, text.repeat(count))
        expect(offset).toBe(Buffer.byteLength(all))
        all += text.repeat(count)
        expect(kept()).toBeLessThan(1_024 * KiB + 3 * 16 * KiB)
      }
      const { head, omitted, tail, size } = current.read(1, 1)
      expect(size).toBe(Buffer.byteLength(all))
      expect(all.startsWith(head)).toBe(true)
      expect(all.endsWith(tail)).toBe(true)
      expect(Buffer.byteLength(head) + omitted + Buffer.byteLength(tail)).toBe(size)
      if (omitted > 0) {
        expect(Buffer.byteLength(head)).toBeGreaterThanOrEqual(256 * KiB)
        expect(Buffer.byteLength(tail)).toBeGreaterThanOrEqual(768 * KiB)
      } else expect(head).toBe(all)
    }),
    { numRuns: 25 },
  )
})

test('an output of a mebibyte is kept whole', () => {
  const { database, outputs } = open()
  using _ = database
  const current = outputs()
  const line = `${'x'.repeat(1_023)}\n`
  for (let i = 0; i < 1_024; i++) current.append(1, 1, line)
  expect(textOf(current.read(1, 1))).toBe(line.repeat(1_024))
})

test('output that was written in a transaction that is rolled back is forgotten', () => {
  const { database, outputs } = open()
  using _ = database
  const current = outputs()
  current.append(1, 1, 'kept ')
  database.exec('BEGIN')
  current.append(1, 1, 'x'.repeat(40_000))
  database.exec('ROLLBACK')
  current.rolledBack()
  expect(current.append(1, 1, 'on')).toBe(5)
  expect(current.read(1, 1)).toMatchObject({ head: 'kept on', size: 7 })
})

test('output that a full disk refuses is lost, and later output is kept in its place', () =>
  inFolder((folder) =>
    run(async () => {
      using file = await JobFile.take({ path: join(folder, 'jobs'), maxSize: 400_000 })
      await using system = await ActorSystem.start({
        name: 'jobd',
        logger: silentLogger,
        children: [child.actor('store', Store, [file, new JobFeed()])],
      })
      const store = system.lookup(Store, 'store') as ActorRef<Store>
      const { id } = (await store.ask.add(request('shell'))).job
      await store.ask.begin(id)
      for (const [text, head] of [
        ['kept ', 'kept '],
        ['x'.repeat(1_000_000), 'kept '],
        ['on', 'kept on'],
      ] as const) {
        void store.tell.append(id, 1, text)
        expect(await store.ask.output(id)).toMatchObject({ head, omitted: 0, size: head.length })
      }
    }),
  ))

test('the text of a long output says on a line of its own how many bytes are left out', () => {
  const output = { attempt: 1, omitted: 77, tail: 'tail', size: 99 }
  expect(textOf({ ...output, head: 'head' })).toBe(
    'head\n[77 bytes of output are left out here]\ntail',
  )
  expect(textOf({ ...output, head: 'head\n' })).toBe(
    'head\n[77 bytes of output are left out here]\ntail',
  )
})

test('each attempt of a job has its own output, times and error', slow, () =>
  inFolder((folder) =>
    inJobd(async ({ client, add, wait }) => {
      // This command fails twice, and then succeeds.
      const command = `echo x >> ${folder}/n; echo try $(wc -l < ${folder}/n); test $(wc -l < ${folder}/n) = 3`
      const id = await add('shell', command, 'RETRIES', '5')
      await until(async () => (await client.attempts(id)).length >= 2)
      expect((await client.attempts(id))[0]).toMatchObject({
        attempt: 1,
        state: 'failed',
        error: 'exit code 1: try 1',
        outputSize: 6,
      })
      await wait(id)
      const attempts = await client.attempts(id)
      expect(attempts.map(({ attempt, state }) => [attempt, state])).toEqual([
        [1, 'failed'],
        [2, 'failed'],
        [3, 'done'],
      ])
      for (const { startedAt, endedAt } of attempts)
        expect(Number(endedAt)).toBeGreaterThanOrEqual(Number(startedAt))
      expect(await client.log(id)).toBe('try 3\n')
      for (const attempt of [1, 2, 3])
        expect(await client.log(id, { attempt })).toBe(`try ${attempt}\n`)
      await expect(client.log(id, { attempt: 4 })).rejects.toThrow('ERR job 1 has had 3 attempts')
      await expect(client.attempts(99)).rejects.toThrow('ERR there is no job 99')

      // When a job that is done is queued again, the output of its earlier attempts is kept.
      await client.command('JOB.REQUEUE', id)
      await until(async () => (await client.attempts(id))[3]?.state === 'failed')
      expect((await client.attempts(id)).slice(2, 4)).toMatchObject([
        { attempt: 3, state: 'done', error: null },
        { attempt: 4, state: 'failed' },
      ])
      expect(await client.log(id, { attempt: 3 })).toBe('try 3\n')
      await client.cancel(id)

      const later = await client.add('sleep', '0', { delay: 60_000 })
      expect([await client.attempts(later), await client.log(later)]).toEqual([[], ''])
    }),
  ),
)

test('a running attempt has no error, even if the attempt before it has failed', slow, () =>
  inFolder((folder) =>
    inJobd(async ({ client, add }) => {
      const command = `test -e ${folder}/n || { touch ${folder}/n; exit 1; }; sleep 60`
      const id = await add('shell', command, 'RETRIES', '1')
      await until(async () => (await client.attempts(id))[1]?.state === 'running')
      expect(await client.attempts(id)).toMatchObject([
        { attempt: 1, state: 'failed', error: 'exit code 1' },
        { attempt: 2, state: 'running', error: null },
      ])
      await client.cancel(id)
    }),
  ),
)

test('an attempt whose worker was killed has the state lost, and its output is kept', slow, () =>
  inJobd(async ({ client, add, reach }) => {
    const id = await add('shell', 'echo begun; sleep 60')
    await until(async () => (await client.log(id)) === 'begun\n')
    const worker = (await client.text('TREE')).match(/worker-\d+(?=.*job 1\b)/)?.[0] ?? 'worker-1'
    await client.command('ACTOR.KILL', `/jobd/workers/${worker}`)
    await until(async () => (await client.attempts(id)).length === 2)
    expect((await client.attempts(id))[0]).toMatchObject({
      state: 'lost',
      error: 'its worker was restarted',
      outputSize: 6,
    })
    await reach(id, 'running')
    expect(await client.log(id, { attempt: 1 })).toBe('begun\n')
    await client.cancel(id)
  }),
)

test('the latest 20 attempts of a job are kept, and a deleted job leaves no attempts', slow, () =>
  inJobd(
    async ({ client, file }) => {
      const id = await client.add('again', '')
      for (let i = 0; i < 24; i++) {
        await client.wait(id)
        await client.command('JOB.REQUEUE', id)
      }
      await client.wait(id)
      const attempts = (await client.attempts(id)).map(({ attempt }: AttemptRecord) => attempt)
      expect(attempts).toEqual(Array.from({ length: 20 }, (_, i) => i + 6))
      expect(await client.log(id, { attempt: 6 })).toBe('attempt 6\n')
      expect(await client.log(id, { attempt: 5 })).toBe('')
      await client.command('JOB.DELETE', id)
      using database = new DatabaseSync(file, { readOnly: true })
      for (const table of ['outputs', 'attempts'])
        expect(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()).toEqual({ n: 0 })
    },
    {
      kinds: defineKinds({
        again: { run: (_: string, ctx): void => ctx.log(`attempt ${ctx.attempt}`) },
      }),
    },
  ),
)

test('the file and the memory do not grow with a job that writes without end', slow, () =>
  inJobd(async ({ client, add, file, wait }) => {
    const id = await add('shell', 'yes "a line of output, again and again ☃" | head -c 30000000')
    const sizes: number[] = []
    const heaps: number[] = []
    const written = async (): Promise<number> => (await client.attempts(id))[0]?.outputSize ?? 0
    for (let mark = 8_000_000; mark <= 24_000_000; mark += 8_000_000) {
      while ((await written()) < mark) await sleep(5)
      sizes.push(statSync(file).size + statSync(`${file}-wal`).size)
      globalThis.gc?.()
      heaps.push(process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers)
    }
    expect(Math.max(...sizes)).toBeLessThan(20_000_000)
    expect((heaps.at(-1) ?? 0) - (heaps[0] ?? 0)).toBeLessThan(16_000_000)
    expect(await wait(id)).toMatchObject({ state: 'done' })
    const log = await client.log(id)
    expect(log).toMatch(/^a line of output, again and again ☃\n/)
    expect(log).toMatch(/\n\[28\d{6} bytes of output are left out here\]\n/)
    expect(log).not.toContain('\uFFFD')
  }),
)
