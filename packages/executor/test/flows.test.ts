// Several flows of control that use one pool: inside one task, in plain code without a run, and in two runs at once. The
// control is the same program on a raw worker thread for each job.
import { EventEmitter, once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createTask, gather, run, sleep, timeout } from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

type Pool = ReturnType<(typeof kinds)[number]['make']>

/** Ends with `value` after `ms` milliseconds; fails if `value` is negative. */
type Submit = (value: number, ms: number) => PromiseLike<number>

const job = async (value: number, ms: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms))
  if (value < 0) throw new RangeError(`negative ${value}`)
  return value
}

const submitRaw: Submit = async (value, ms) => {
  const source = `const { parentPort } = require('node:worker_threads')
    const job = ${job.toString()}
    job(${value}, ${ms}).then((value) => parentPort.postMessage({ value }), (error) => parentPort.postMessage({ error }))`
  const worker = new Worker(source, { eval: true })
  const ended = once(worker, 'exit')
  const [end] = (await once(worker, 'message')) as [{ value: number } | { error: RangeError }]
  await ended
  if ('error' in end) throw end.error
  return end.value
}

async function endOf(end: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await end
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

const programs: Record<string, (submit: Submit) => Promise<unknown>> = {
  'Promise.all': async (submit) => Promise.all([3, 2, 1].map((n) => submit(n, n * 5))),
  'Promise.all with a failure': async (submit) =>
    endOf(Promise.all([submit(1, 0), submit(-2, 0), submit(3, 0)])),
  'Promise.allSettled': async (submit) => {
    const ends = await Promise.allSettled([submit(1, 0), submit(-2, 0), submit(3, 0)])
    return ends.map((end) => (end.status === 'fulfilled' ? end.value : String(end.reason)))
  },
  'Promise.race whose loser goes on': async (submit) => {
    const [winner, loser] = [submit(1, 0), submit(2, 200)]
    return [await Promise.race([loser, winner]), await loser]
  },
  'Promise.any': async (submit) => Promise.any([submit(-1, 0), submit(2, 20)]),
  'a floating call that is awaited later': async (submit) => {
    const floating = submit(1, 0)
    const second = await submit(2, 0)
    return [await floating, second]
  },
  'an event handler': async (submit) => {
    const emitter = new EventEmitter()
    const results: number[] = []
    const ended = new Promise((resolve) => {
      const handle = async (value: number): Promise<void> => {
        results.push(await submit(value, 0))
        if (results.length === 2) resolve(results)
      }
      emitter.on('job', (value: number) => void handle(value))
    })
    emitter.emit('job', 1)
    setTimeout(() => emitter.emit('job', 2), 0)
    const own = await submit(3, 0)
    await ended
    return [results.toSorted((a, b) => a - b), own]
  },
  'flows that each submit the next job': async (submit) => {
    const flow = async (from: number): Promise<number[]> => {
      const results: number[] = []
      for (let n = from; n < from + 3; n++) results.push(await submit(n, 1))
      return results
    }
    return Promise.all([flow(0), flow(10), flow(20)])
  },
  'a callback of then': async (submit) =>
    new Promise((resolve, reject) => {
      submit(1, 0).then((n) => submit(n + 1, 0).then(resolve, reject), reject)
    }),
}

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test.for(Object.entries(programs))(
    'gives the same results as plain worker threads: %s',
    async ([, program]) => {
      const expected = await program(submitRaw)
      await using pool = make({ maxWorkers: 2 })
      const submit: Submit = (value, ms) => pool.submit(job, value, ms)
      expect(await program(submit), 'in plain code').toEqual(expected)
      expect(await run(() => program(submit)), 'in a run').toEqual(expected)
      const both = await Promise.all([run(() => program(submit)), run(() => program(submit))])
      expect(both, 'in two runs').toEqual([expected, expected])
      await pool.shutdown()
      expect(pool.stats).toMatchObject({ queued: 0, running: 0, crashed: 0 })
    },
  )

  test('the end, timeout or cancel of a run does not touch the jobs of another run on the same pool', async () => {
    await using pool = make({ maxWorkers: 2, cancelGrace: 20 })
    await Promise.all([pool.submit(refs.pause, 30), pool.submit(refs.pause, 30)])
    const steady = run(async () => {
      const results: number[] = []
      for await (const n of pool.map(refs.echo, counting(50), { buffer: 4 })) {
        results.push(n)
        await sleep(1)
      }
      return results
    })
    const ends = await Promise.all([
      endOf(run(async () => timeout(20, async () => pool.submit(refs.spin)))),
      endOf(run(() => cancelSoon(pool))),
      endOf(run(async () => void pool.submit(refs.echo, 1))),
    ])
    expect(ends).toEqual([expect.stringMatching(/^TimeoutError/), 'cancelled', undefined])
    expect(await steady).toEqual([...counting(50)])
    expect(await pool.submit(refs.add, 1, 1)).toBe(2)
    expect(pool.stats).toMatchObject({ queued: 0, running: 0, crashed: 0 })
  })

  test('a job that a cancelled task has submitted and does not await goes on to its result', async () => {
    await using pool = make({ maxWorkers: 1 })
    await run(async () => {
      const floating: PromiseLike<unknown>[] = []
      const task = createTask(async () => {
        floating.push(pool.submit(refs.pause, 50))
        await pool.submit(refs.pause, 60_000)
      })
      await sleep(5)
      task.cancel()
      await expect(task).rejects.toMatchObject({ name: 'CancelledError' })
      expect(await gather(floating)).toEqual([1])
    })
  })
})

function* counting(to: number): Generator<number> {
  for (let n = 0; n < to; n++) yield n
}

async function cancelSoon(pool: Pool): Promise<string> {
  const task = createTask(async () => {
    for await (const _ of pool.map(refs.pause, [0, 60_000, 60_000]));
  })
  await sleep(15)
  task.cancel()
  await endOf(task)
  return task.cancelled() ? 'cancelled' : 'not cancelled'
}
