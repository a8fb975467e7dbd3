import {
  coroutine,
  type CoroutineGenerator,
  createTask,
  Future,
  getRunningLoop,
  isCoroutine,
  isCoroutineFunction,
  RuntimeError,
  sleep,
} from '@tasktree/core'
import { expect, test } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of Lib/test/test_asyncio/test_pep492.py (CPython 3.13); the name of each case there stands
// above its test.

// test_iscoroutine
test('isCoroutine is true for a call of a coroutine function, and false for a promise', () => {
  const call = coroutine(async () => {})()
  expect(isCoroutine(call)).toBe(true)
  call.close()
  expect(isCoroutine(Promise.resolve())).toBe(false)
  expect(isCoroutine(async () => {})).toBe(false)
})

// test_iscoroutine_generator (differs: see docs/coming-from/differences-from-asyncio.md)
test('isCoroutine is true for a generator object', () => {
  function* generator(): CoroutineGenerator<void> {
    yield* new Future<void>()
  }
  expect(isCoroutine(generator())).toBe(true)
})

// test_iscoroutinefunction
test('isCoroutineFunction is true for an async function', () => {
  expect(isCoroutineFunction(async () => {})).toBe(true)
})

// test_async_def_coroutines
virtual('a coroutine can await another coroutine, in debug mode as well', async () => {
  const bar = coroutine(async () => 'spam')
  const foo = coroutine(async () => bar())
  expect(await foo()).toBe('spam')
  getRunningLoop().setDebug(true)
  expect(await foo()).toBe('spam')
  expect(await createTask(foo())).toBe('spam')
})

// test_types_coroutine
virtual('an async function can await a coroutine made of a generator function', async () => {
  const call = coroutine(function* (): CoroutineGenerator<string> {
    yield* sleep(10)
    return 'spam'
  })
  expect(await call()).toBe('spam')
  expect(getRunningLoop().time()).toBe(10)
})

// test_double_await
virtual('awaiting a coroutine that a task runs already throws RuntimeError', async () => {
  const call = coroutine(async () => sleep(100))()
  const task = createTask(call)
  await sleep(0)
  expect(await thrown(call)).toBeInstanceOf(RuntimeError)
  task.cancel()
  await thrown(task)
})
