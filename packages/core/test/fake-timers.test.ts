import {
  createTask,
  getEventLoop,
  newEventLoop,
  run,
  sleep,
  timeout,
  TimeoutError,
  wait,
} from '@tasktree/core'
import { mock } from 'node:test'
import { afterEach, describe, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.useRealTimers()
  mock.timers.reset()
})

const real = globalThis.setTimeout
/** Resolves with the value of `awaitable`, or with 'never' if it is still pending after 30 real seconds. */
const soon = <T>(awaitable: PromiseLike<T>): Promise<T | 'never'> =>
  Promise.race([
    awaitable,
    new Promise<'never'>((resolve) => real(resolve, 30_000, 'never').unref()),
  ])

describe('with the fake timers of vitest', () => {
  test('sleeps end when the fake time is moved', async () => {
    vi.useFakeTimers()
    const start = getEventLoop().time()
    const log: string[] = []
    const task = createTask(async () => {
      for (const name of ['a', 'b', 'c']) {
        await sleep(1_000)
        log.push(name)
      }
    })
    await vi.advanceTimersByTimeAsync(999)
    expect(log).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(log).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(log).toEqual(['a', 'b', 'c'])
    expect(await task).toBeUndefined()
    expect(getEventLoop().time() - start).toBe(3_000)
  })

  test('a timeout in a run ends when the fake time is moved', async () => {
    vi.useFakeTimers()
    const ended = run(() => timeout(5_000, () => sleep(60_000)), { handleSignals: false }).catch(
      (error: unknown) => error,
    )
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await soon(ended)).toBeInstanceOf(TimeoutError)
  })

  test('a sleep that is left pending does not keep other sleeps from ending', async () => {
    vi.useFakeTimers()
    const left = sleep(1_000)
    vi.useRealTimers()
    expect(await soon(sleep(5, 'slept'))).toBe('slept')
    expect(await soon(run(() => sleep(5, 'slept')))).toBe('slept')
    expect(left.done()).toBe(false)
    expect(left.cancel()).toBe(true)
    vi.useFakeTimers()
    const other = sleep(50, 'slept')
    await vi.advanceTimersByTimeAsync(50)
    expect(await soon(other)).toBe('slept')
  })

  test('a real sleep that is cancelled does not stop a fake sleep, nor the other way round', async () => {
    const realSleep = sleep(10_000)
    vi.useFakeTimers()
    const fake = sleep(20, 'slept')
    realSleep.cancel()
    await vi.advanceTimersByTimeAsync(20)
    expect(await soon(fake)).toBe('slept')
    const left = sleep(20)
    vi.useRealTimers()
    const next = sleep(20, 'slept')
    left.cancel()
    expect(await soon(next)).toBe('slept')
  })

  test('a sleep that began in real time ends in real time', async () => {
    const realSleep = sleep(20, 'slept')
    vi.useFakeTimers()
    expect(await soon(realSleep)).toBe('slept')
  })

  test('a task that loops over sleep(0) ends without moving the fake time', async () => {
    vi.useFakeTimers()
    const busy = createTask(async () => {
      for (let i = 0; i < 300; i++) await sleep(0)
      return 'done'
    })
    expect(await soon(wait([busy], { timeout: null }).then(() => 'done'))).not.toBe('never')
  })
})

describe('with the mock timers of node:test', () => {
  test('a sleep ends when the timers are moved, although the clock stands still', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const loop = newEventLoop()
    const log: string[] = []
    const task = loop.createTask(async () => {
      for (const name of ['a', 'b']) {
        await sleep(1_000)
        log.push(name)
      }
    })
    await sleep(0)
    mock.timers.tick(1_000)
    await sleep(0)
    expect(log).toEqual(['a'])
    mock.timers.tick(1_000)
    await soon(task)
    expect(log).toEqual(['a', 'b'])
    loop.close()
  })

  test('a sleep that is left pending does not keep another sleep from ending', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const left = sleep(1_000)
    mock.timers.reset()
    expect(await soon(sleep(5, 'slept'))).toBe('slept')
    left.cancel()
  })
})
