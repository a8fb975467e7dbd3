import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gather } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { defineKinds } from '../src/jobs/kind.ts'
import { inFolder } from './support/folder.ts'
import { inScheduling } from './support/scheduling.ts'

const kinds = defineKinds({ a: { run: () => 1 }, b: { run: () => 1 } })

test('two changes of a setting that the file refuses at the same time leave the setting as it was', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'jobs.sqlite')
    await runVirtual(() =>
      inScheduling({ file, kinds }, async ({ scheduler, store }) => {
        const pauseBoth = (): PromiseLike<unknown[]> =>
          gather([thrown(scheduler.ask.pause('a')), thrown(scheduler.ask.pause('b'))])
        using writer = new DatabaseSync(file)
        writer.exec('BEGIN IMMEDIATE')
        expect(await pauseBoth()).toMatchObject([{ name: 'StoreError' }, { name: 'StoreError' }])
        expect(await scheduler.ask.statistics()).toMatchObject({ paused: [] })
        writer.exec('ROLLBACK')
        await gather([
          scheduler.ask.pause('a'),
          scheduler.ask.pause('b'),
          scheduler.ask.resume('a'),
        ])
        expect(await scheduler.ask.statistics()).toMatchObject({ paused: ['b'] })
        expect(await store.ask.setting('paused')).toBe('["b"]')
      }),
    )
  }))
