import { gather } from '@tasktree/core'
import { ProcessPoolExecutor, ThreadPoolExecutor, transfer } from '@tasktree/executor'
import { expect, test } from 'vitest'
import { kinds, refs } from './support/kinds.ts'

/** The number of jobs. EXECUTOR_TEST_JOBS=100000 runs the whole test. */
const jobCount = Number(process.env['EXECUTOR_TEST_JOBS'] ?? 20_000)
const mebibyte = 2 ** 20

test.for(kinds)(
  'a pool of $name keeps its memory flat over many jobs',
  { tags: ['slow'] },
  async ({ make }) => {
    await using pool = make({ maxWorkers: 2 })
    const { gc } = globalThis
    if (gc === undefined) throw new Error('the tests run with --expose-gc')
    const round = async (count: number): Promise<number> => {
      for (let done = 0; done < count; done += 1_000)
        await gather(Array.from({ length: 1_000 }, (_, i) => pool.submit(refs.echo, i)))
      gc()
      gc()
      return process.memoryUsage().heapUsed
    }
    const before = await round(jobCount / 5)
    const after = await round(jobCount)
    // If a future, its job and its message were kept, they would take about 500 bytes for each job.
    expect((after - before) / jobCount).toBeLessThan(40)
  },
)

test('256 MiB move to a thread and back without a copy', { tags: ['slow'] }, async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  await pool.submit(refs.echo, 1)
  const buffer = new ArrayBuffer(256 * mebibyte)
  new Uint8Array(buffer).fill(3)
  const before = process.memoryUsage.rss()
  let peak = before
  // The job returns the memory of the whole process while the thread has the buffer.
  const [length, inside, moved] = await pool.submit(
    (bytes: ArrayBuffer) => {
      const view = new Uint8Array(bytes)
      let sum = 0
      for (let i = 0; i < view.length; i += 4_096) sum += view[i] as number
      const held = [sum / (view.length / 4_096), process.memoryUsage.rss(), bytes] as const
      return held
    },
    transfer(buffer, [buffer]),
  )
  peak = Math.max(peak, inside, process.memoryUsage.rss())
  expect(buffer.byteLength).toBe(0)
  expect(length).toBe(3)
  expect(moved.byteLength).toBe(256 * mebibyte)
  // The job does not transfer the buffer back, so it comes back as a copy. There may be two buffers, but never three.
  expect(inside - before).toBeLessThan(64 * mebibyte)
  const there = process.memoryUsage.rss()
  const back = await pool.submit(refs.fillFirst, transfer(moved, [moved]))
  expect(back.byteLength).toBe(256 * mebibyte)
  expect(moved.byteLength).toBe(0)
  expect(process.memoryUsage.rss() - there).toBeLessThan(64 * mebibyte)
})

test(
  'a worker process gets the flags of execArgv after the flags of its parent',
  { tags: ['slow'] },
  async () => {
    await using pool = new ProcessPoolExecutor({
      maxWorkers: 1,
      execArgv: ['--stack-trace-limit=3', '--title=worker-of-mine'],
    })
    const flags = await pool.submit(() => [Error.stackTraceLimit, process.title])
    expect(flags).toEqual([3, 'worker-of-mine'])
    expect(() => new ProcessPoolExecutor({ execArgv: '--x' as never })).toThrow(TypeError)
  },
)
