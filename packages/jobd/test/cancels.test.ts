import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { LocalActorRef } from '@tasktree/actor'
import { gather, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { defineKinds } from '../src/jobs/kind.ts'
import type { Scheduler } from '../src/scheduling/scheduler.ts'
import { inFolder } from './support/folder.ts'
import { inScheduling, request, type Scheduling } from './support/scheduling.ts'

const kinds = defineKinds({ nap: { run: () => sleep(60_000, 'has run') } })

const inParts = (body: (parts: Scheduling, file: string) => Promise<void>): Promise<void> =>
  inFolder(async (folder) => {
    const file = join(folder, 'jobs.sqlite')
    await runVirtual(() => inScheduling({ file, kinds }, (parts) => body(parts, file)))
  })

test('a cancel of a job that is being queued again ends the job', () =>
  inParts(async ({ scheduler }) => {
    const id = await scheduler.ask.submit(request('nap'))
    await scheduler.ask.cancel(id)
    const revival = scheduler.ask.revive(id, ['cancelled'])
    const [{ job }, cancelled] = await gather([
      revival,
      scheduler.ask({ timeout: Infinity }).cancel(id),
    ])
    expect(job?.state).toBe('queued')
    expect(cancelled?.state).toBe('cancelled')
    // The server does not remember the cancel, so the next retry runs.
    await scheduler.ask.revive(id, ['cancelled'])
    expect(await scheduler.ask({ timeout: Infinity }).wait(id)).toMatchObject({ result: 'has run' })
  }))

test('a cancel of a job that comes before the answer to its addition ends the job', () =>
  inParts(async ({ scheduler }) => {
    const adding = scheduler.ask.submit(request('nap'))
    const [id, cancelled] = await gather([adding, scheduler.ask({ timeout: Infinity }).cancel(1)])
    expect(id).toBe(1)
    expect(cancelled?.state).toBe('cancelled')
  }))

test('jobs run and can be cancelled once a file that was locked at the start can be written', () =>
  inParts(async ({ store, scheduler }, file) => {
    const { job } = await store.ask.add(request('nap'))
    const { job: other } = await store.ask.add(request('nap'))
    using writer = new DatabaseSync(file)
    writer.exec('BEGIN IMMEDIATE')
    await (scheduler as LocalActorRef<Scheduler>).kill()
    await sleep(200)
    await scheduler.ask.open()
    const cancelling = scheduler.ask({ timeout: Infinity }).cancel(other.id)
    await sleep(200)
    writer.exec('ROLLBACK')
    const waiting = scheduler.ask({ timeout: 120_000 }).wait(job.id)
    expect(await waiting).toMatchObject({ state: 'done', result: 'has run' })
    expect(await cancelling).toMatchObject({ state: 'cancelled' })
  }))
