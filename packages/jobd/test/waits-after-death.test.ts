import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { defineKinds } from '../src/jobs/kind.ts'
import { inFolder } from './support/folder.ts'
import { inScheduling, request } from './support/scheduling.ts'

const kinds = defineKinds({ a: { run: () => 'has run' } })

test('a job that waited for its next attempt when the server died keeps its delay', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'jobs.sqlite')
    const delay = 60_000
    await runVirtual(() =>
      inScheduling({ file, kinds }, async ({ scheduler }) => {
        expect(await scheduler.ask.submit(request('a', { delay, retries: 3 }))).toBe(1)
      }),
    )
    const database = new DatabaseSync(file)
    database.exec('UPDATE jobs SET attempts = 2, deaths = 1')
    database.close()
    await runVirtual(() =>
      inScheduling({ file, kinds }, async ({ store }) => {
        await sleep(delay / 2)
        expect(await store.ask.get(1)).toMatchObject({ state: 'queued' })
        await sleep(delay / 2 + 1_000)
        expect(await store.ask.get(1)).toMatchObject({ state: 'done' })
      }),
    )
  }))
