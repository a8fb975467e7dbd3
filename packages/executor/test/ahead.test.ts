// A pool may send a worker several jobs ahead. Tests that such jobs do not wait behind a job that blocks while another worker could
// run them.
import { gather, waitFor } from '@tasktree/core'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'executor-ahead-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Milliseconds. This is less than a slow test may take, so that a test whose jobs hang can still close its pool. */
const patience = 100_000

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test.for(['blocks its thread', 'waits'])(
    'a job that %s until another job has run does not delay the job that was sent to the worker after it',
    async (how) => {
      await using pool = make({ maxWorkers: 2 })
      const wait = how === 'waits' ? refs.waitForFile : refs.blockUntilFile
      for (let round = 0; round < 5; round++) {
        // After many short jobs, the pool sends several jobs at once to each of the two workers.
        await gather(Array.from({ length: 200 }, (_, i) => pool.submit(refs.echo, i)))
        const file = join(folder, String(round))
        const needed = Array.from({ length: 3 }, (_, i) => pool.submit(refs.echo, i))
        const waiting = pool.submit(wait, file)
        const awaited = pool.submit(refs.writeFile, file)
        const others = Array.from({ length: 6 }, (_, i) => pool.submit(refs.echo, i))
        expect(await waitFor(waiting, patience)).toBe(file)
        expect(await gather([...needed, ...others])).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5])
        await awaited
      }
    },
  )

  test('a job sent to a worker behind a blocked job runs before later jobs, even if a later job blocks as well', async () => {
    await using pool = make({ maxWorkers: 2 })
    const first = join(folder, 'first')
    writeFileSync(first, '')
    // The pool learns that both kinds of jobs are short.
    for (let i = 0; i < 40; i++) {
      await gather([pool.submit(refs.writeFile, first), pool.submit(refs.waitForFile, first)])
    }
    await gather(Array.from({ length: 400 }, (_, i) => pool.submit(refs.echo, i)))
    const file = join(folder, 'second')
    const jobs: PromiseLike<unknown>[] = [
      pool.submit(refs.echo, 1),
      pool.submit(refs.echo, 2),
      pool.submit(refs.waitForFile, file),
      pool.submit(refs.writeFile, file),
      // There are so many jobs that the other worker passes the blocked one, even if that worker began its job late.
      ...Array.from({ length: 4_000 }, (_, i) => pool.submit(refs.echo, i)),
      pool.submit(refs.waitForFile, file),
    ]
    await waitFor(Promise.all(jobs), patience)
  })

  test('a job sent to a worker behind a blocked job runs after the other worker has died and was replaced', async () => {
    await using pool = make({ maxWorkers: 2 })
    await gather(Array.from({ length: 200 }, (_, i) => pool.submit(refs.echo, i)))
    const file = join(folder, 'written')
    const jobs: PromiseLike<unknown>[] = [
      pool.submit(refs.blockUntilFile, file),
      pool.submit(refs.exit, 3).catch((error: unknown) => error),
      ...Array.from({ length: 8 }, (_, i) => pool.submit(refs.echo, i)),
      pool.submit(refs.writeFile, file),
    ]
    const [, crash, ...rest] = await waitFor(Promise.all(jobs), patience)
    expect(crash).toMatchObject({ name: 'WorkerCrashedError', exitCode: 3 })
    expect(rest.slice(0, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  test('a job that is cancelled after it was sent and before it starts does not keep its worker busy', async () => {
    await using pool = make({ maxWorkers: 1 })
    await pool.submit(refs.echo, 1)
    for (let turns = 0; turns < 6; turns++) {
      const endless = pool.submit(refs.spin)
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      endless.cancel()
      expect(await waitFor(pool.submit(refs.echo, turns), patience)).toBe(turns)
    }
  })
})
