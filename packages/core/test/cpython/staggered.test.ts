import {
  CancelledError,
  createTask,
  gather,
  getRunningLoop,
  sleep,
  staggeredRace,
} from '@tasktree/core'
import { expect } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of Lib/test/test_asyncio/test_staggered.py (CPython 3.13); the name of each case there
// stands above its test.

const fail = (text: string) => async (): Promise<never> => Promise.reject(new Error(text))

// test_empty
virtual('staggeredRace of an empty list has no winner', async () => {
  expect(await staggeredRace([], null)).toEqual({ value: undefined, index: null, exceptions: [] })
})

// test_one_successful
virtual('staggeredRace begins no second function when the first succeeds', async () => {
  let begun = 0
  const result = await staggeredRace([async () => 'zero', async () => `one ${++begun}`], null)
  expect(result).toEqual({ value: 'zero', index: 0, exceptions: [null] })
  expect(begun).toBe(0)
})

// test_first_error_second_successful
virtual('staggeredRace begins the next function as soon as one fails', async () => {
  const result = await staggeredRace([fail('zero'), async () => 'one'], 10_000)
  expect(result).toEqual({ value: 'one', index: 1, exceptions: [new Error('zero'), null] })
  expect(getRunningLoop().time()).toBe(0)
})

// test_first_timeout_second_successful
virtual(
  'staggeredRace begins the next function after the delay, and the winner cancels the other functions',
  async () => {
    const result = await staggeredRace(
      [() => sleep(10_000), async () => sleep(5, 'one')] as (() => PromiseLike<unknown>)[],
      100,
    )
    expect(result.value).toBe('one')
    expect(result.index).toBe(1)
    expect(result.exceptions[0]).toBeInstanceOf(CancelledError)
    expect(result.exceptions[1]).toBeNull()
    expect(getRunningLoop().time()).toBe(105)
  },
)

// test_none_successful
virtual(
  'staggeredRace whose functions all fail has no winner and gives every exception',
  async () => {
    for (const delay of [null, 100]) {
      const result = await staggeredRace([fail('zero'), fail('one')], delay)
      expect(result).toEqual({
        value: undefined,
        index: null,
        exceptions: [new Error('zero'), new Error('one')],
      })
    }
  },
)

virtual('a cancel of staggeredRace cancels all functions that have begun', async () => {
  const ended: number[] = []
  const runner = (n: number) => async (): Promise<void> => {
    try {
      await sleep(10_000)
    } finally {
      ended.push(n)
    }
  }
  const race = createTask(() => staggeredRace([runner(0), runner(1), runner(2)], 10))
  await sleep(15)
  race.cancel()
  expect(await thrown(race)).toBeInstanceOf(CancelledError)
  await sleep(0)
  expect(ended.toSorted((a, b) => a - b)).toEqual([0, 1])
})

// CPython has no test of this case: there an assertion fails in the task of the second function.
virtual(
  'a function of staggeredRace that swallows its cancel and then succeeds is not the winner',
  async () => {
    const stubborn = async (): Promise<string> => {
      await thrown(sleep(10_000))
      return 'stubborn'
    }
    const result = await staggeredRace([() => sleep(5, 'first'), stubborn], 1)
    expect(result).toEqual({ value: 'first', index: 0, exceptions: [null, null] })
  },
)

// CPython does the same, because its wait_for makes a task of what it waits for when the timeout is 0.
virtual(
  'staggeredRace with a delay of 0 begins no next function if the first wins in the same turn',
  async () => {
    const quick = (): PromiseLike<unknown> => gather([async () => 'x'])
    const result = await staggeredRace([quick, quick], 0)
    expect(result).toEqual({ value: ['x'], index: 0, exceptions: [null] })
  },
)
