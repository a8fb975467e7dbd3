import { createTask, Future, isCancelled, run } from '@tasktree/core'
import {
  type Executor,
  jobs,
  type PoolOptions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from '@tasktree/executor'
import { describe, expect, test } from 'vitest'
import type * as Worker from './fixtures/worker.ts'
import { idOf, linksOf, outcomeOf, parentOf, record } from './support/recording.ts'

type Pool = Executor & AsyncDisposable

const worker = jobs<typeof Worker>(new URL('./fixtures/worker.ts', import.meta.url))
const options: PoolOptions = { maxWorkers: 1, initializer: worker.setUp }

describe.for<[string, () => Pool]>([
  ['threads', () => new ThreadPoolExecutor(options)],
  ['processes', () => new ProcessPoolExecutor(options)],
])('a pool of %s', { tags: ['slow'] }, ([, makePool]) => {
  test('gives a job a span that is a child of its submission, and spans inside the job are children of it', async () => {
    let inWorker: readonly Worker.WorkerSpan[] = []
    const recording = await record(() =>
      run(async () => {
        await using pool = makePool()
        await createTask(() => pool.submit(worker.resize, 1), { name: 'upload' })
        inWorker = await pool.submit(worker.takeSpans)
      }),
    )
    const upload = recording.find('upload')
    const submit = recording.find('submit resize')
    expect(parentOf(submit)).toBe(idOf(upload))
    const { traceId } = submit.spanContext()
    const find = (name: string): Worker.WorkerSpan =>
      inWorker.find((span) => span.name === name) as Worker.WorkerSpan
    const running = find('run resize')
    expect(running).toMatchObject({ traceId, parent: idOf(submit), links: [idOf(submit)] })
    expect(running.attributes).toEqual({
      'tasktree.job.name': 'resize',
      'tasktree.worker.id': '1',
    })
    expect(find('decode')).toMatchObject({ traceId, parent: running.id })
    expect(find('scale')).toMatchObject({ traceId, parent: find('decode').id })
  })

  test('gives both spans of a failed job an error, no span of a cancelled job, and each job its own trace', async () => {
    let inWorker: readonly Worker.WorkerSpan[] = []
    const traces: (string | undefined)[] = []
    const recording = await record(() =>
      run(async () => {
        await using pool = makePool()
        await pool.submit(worker.fail).catch(() => {})
        const begun = new Future<void>()
        const cancelled = pool.submit(worker.untilAborted).onProgress(() => begun.setResult())
        await begun
        cancelled.cancel()
        await cancelled.catch(isCancelled)
        traces.push(await pool.submit(worker.activeTrace))
        for await (const id of pool.map(worker.activeTraceFor, [1, 2], { chunksize: 2 })) {
          traces.push(id)
        }
        inWorker = await pool.submit(worker.takeSpans)
      }),
    )
    expect(outcomeOf(recording.find('submit fail'))).toBe('ERROR RangeError noted')
    expect(outcomeOf(recording.find('submit untilAborted'))).toBe('UNSET cancelled')
    const outcomes = new Map(
      inWorker.map(({ name, error, attributes }) => [name, { error, attributes }]),
    )
    expect(outcomes.get('run fail')?.error).toBe(true)
    expect(outcomes.get('run untilAborted')).toMatchObject({
      error: false,
      attributes: { 'tasktree.cancelled': true },
    })
    const submissions = recording.spans.filter(({ name }) => name === 'submit activeTrace')
    const ids = submissions.map((span) => span.spanContext().traceId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toContain(traces[0])
    expect(traces[1]).toBe(traces[2])
  })
})

test('runs jobs as before if the worker has no instrumentation', { tags: ['slow'] }, async () => {
  const recording = await record(() =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
      const add = (a: number, b: number): number => a + b
      expect(await pool.submit(add, 1, 2)).toBe(3)
      expect(await Promise.all([pool.submit(add, 1, 1), pool.submit(add, 2, 2)])).toEqual([2, 4])
    }),
  )
  expect(recording.spans.map(({ name }) => name)).toEqual(Array(3).fill('submit (anonymous)'))
  expect(recording.spans.flatMap(linksOf)).toEqual([])
})
