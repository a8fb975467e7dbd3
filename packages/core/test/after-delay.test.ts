import { sleep } from '@tasktree/core'
import { afterDelay } from '@tasktree/core/lowlevel'
import { expect, test, vi } from 'vitest'

test('afterDelay calls its callback exactly once, in real time', async () => {
  const callback = vi.fn<() => void>()
  afterDelay(1, callback)
  while (callback.mock.calls.length === 0) await sleep(1)
  await sleep(2)
  expect(callback).toHaveBeenCalledTimes(1)
})

test('afterDelay with more milliseconds than one timer can hold calls back at the right time', () => {
  vi.useFakeTimers()
  try {
    const callback = vi.fn<() => void>()
    afterDelay(2 ** 32, callback)
    vi.advanceTimersByTime(2 ** 32 - 1)
    expect(callback).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(callback).toHaveBeenCalledTimes(1)
  } finally {
    vi.useRealTimers()
  }
})

test('a stopped afterDelay leaves no timer of the runtime', () => {
  vi.useFakeTimers()
  try {
    const callback = vi.fn<() => void>()
    const stop = afterDelay(2 ** 32, callback)
    vi.advanceTimersByTime(2 ** 31)
    stop()
    expect(vi.getTimerCount()).toBe(0)
    afterDelay(Infinity, callback)()
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('afterDelay keeps the process alive unless hold is false', () => {
  const count = (): number =>
    process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = count()
  const stopFree = afterDelay(60_000, () => {}, { hold: false })
  expect(count()).toBe(before)
  const stopHolding = afterDelay(60_000, () => {})
  expect(count()).toBe(before + 1)
  stopFree()
  stopHolding()
  expect(count()).toBe(before)
})
