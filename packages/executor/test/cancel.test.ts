import { createTask, gather, isCancelled, sleep, timeout, TimeoutError } from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test('a queued job that is cancelled never runs', async () => {
    await using pool = make({ maxWorkers: 1 })
    const running = pool.submit(refs.pause, 30)
    const dropped = pool.submit(() => {
      Object.assign(globalThis, { ran: true })
    })
    const last = pool.submit(() => 'ran' in globalThis)
    expect(dropped.cancel('no need')).toBe(true)
    expect(dropped.cancel()).toBe(false)
    await expect(dropped).rejects.toThrow('no need')
    await running
    expect(await last).toBe(false)
  })

  test('a job that is cancelled after it was sent to a busy worker never runs, and the jobs around it do', async () => {
    await using pool = make({ maxWorkers: 1 })
    for (let i = 0; i < 5; i++) await pool.submit(refs.echo, i)
    const running = pool.submit(refs.pause, 60)
    const futures = Array.from({ length: 6 }, (_, i) => pool.submit(refs.echo, i))
    await sleep(20)
    futures[2]?.cancel()
    expect(await running).toBe(1)
    expect(await gather(futures, { returnExceptions: true })).toEqual([
      0,
      1,
      expect.any(Error),
      3,
      4,
      5,
    ])
    expect(await pool.submit(refs.myWorker)).toBe(1)
  })

  test('the cancel of an endless job rejects its future at once, and ends the worker after cancelGrace', async () => {
    await using pool = make({ maxWorkers: 2 })
    await gather([pool.submit(refs.pause, 30), pool.submit(refs.pause, 30)])
    const endless = pool.submit(refs.spin)
    const neighbour = pool.submit(refs.pause, 1_000)
    const queued = Array.from({ length: 5 }, (_, i) => pool.submit(refs.echo, i))
    while (pool.stats.running < 2) await sleep(1)
    endless.cancel()
    await expect(endless).rejects.toSatisfy(isCancelled)
    // `await endless` has ended before the grace of the worker is over. The worker still runs the loop.
    expect(pool.stats.workers === 2 && pool.stats.running > 1).toBe(true)
    while (pool.stats.workers === 2 && pool.stats.running > 1) await sleep(2)
    expect(await gather(queued)).toEqual([0, 1, 2, 3, 4])
    expect(await neighbour).toBeGreaterThan(0)
    expect(pool.stats.crashed).toBe(0)
  })

  test('a cancelled endless job ends, and the jobs that were sent to its worker behind it run', async () => {
    await using pool = make({ maxWorkers: 1 })
    for (let i = 0; i < 50; i++) await pool.submit(refs.echo, i)
    const endless = pool.submit(refs.spin)
    const behind = [1, 2, 3].map((n) => pool.submit(refs.echo, n))
    await sleep(30)
    endless.cancel()
    expect(await gather(behind)).toEqual([1, 2, 3])
  })

  test('a cancelled job that watches workerSignal() ends, and its worker runs the next job', async () => {
    await using pool = make({ maxWorkers: 1, cancelGrace: 2_000 })
    const worker = await pool.submit(refs.myWorker)
    for (const job of [refs.waitUntilAborted, refs.spinUntilAborted]) {
      const future = pool.submit(job)
      await sleep(20)
      future.cancel()
      await expect(future).rejects.toSatisfy(isCancelled)
      expect(await pool.submit(refs.myWorker)).toBe(worker)
    }
  })

  test('a task that is cancelled, or whose timeout is over, cancels the job that it awaits', async () => {
    await using pool = make({ maxWorkers: 1 })
    await pool.submit(refs.myWorker)
    const task = createTask(async () => pool.submit(refs.spin))
    await sleep(10)
    task.cancel()
    await expect(async () => task).rejects.toSatisfy(isCancelled)
    expect(await pool.submit(refs.add, 1, 1)).toBe(2)
    await expect(timeout(20, async () => pool.submit(refs.spin))).rejects.toBeInstanceOf(
      TimeoutError,
    )
    expect(await pool.submit(refs.add, 2, 2)).toBe(4)
  })

  test('a cancel that comes as its job ends does not hit the next jobs of the worker', async () => {
    await using pool = make({ maxWorkers: 1, cancelGrace: 5 })
    await pool.submit(refs.add, 1, 1)
    for (let round = 0; round < 40; round++) {
      const first = pool.submit(refs.pause, round % 8)
      const others = [1, 2, 3].map((n) => pool.submit(refs.echo, n))
      await sleep(round % 5)
      first.cancel()
      expect(await gather(others)).toEqual([1, 2, 3])
    }
    expect(pool.stats.crashed).toBe(0)
  })
})
