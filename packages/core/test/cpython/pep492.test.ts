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
test('a call of a coroutine function is a coroutine, a promise is not', () => {
  const call = coroutine(async () => {})()
  expect(isCoroutine(call)).toBe(true)
  call.close()
  expect(isCoroutine(Promise.resolve())).toBe(false)
  expect(isCoroutine(async () => {})).toBe(false)
})

// test_iscoroutine_generator (differs: see docs/coming-from/differences-from-asyncio.md)
test('a generator object is a coroutine', () => {
  function* generator(): CoroutineGenerator<void> {
    yield* new Future<void>()
  }
  expect(isCoroutine(generator())).toBe(true)
})

// test_iscoroutinefunction
test('an async function is a coroutine function', () => {
  expect(isCoroutineFunction(async () => {})).toBe(true)
})

// test_async_def_coroutines
virtual('coroutines await coroutines, in debug mode as well', async () => {
  const bar = coroutine(async () => 'spam')
  const foo = coroutine(async () => bar())
  expect(await foo()).toBe('spam')
  getRunningLoop().setDebug(true)
  expect(await foo()).toBe('spam')
  expect(await createTask(foo())).toBe('spam')
})

// test_types_coroutine
virtual('a coroutine made of a generator function is awaited by an async function', async () => {
  const call = coroutine(function* (): CoroutineGenerator<string> {
    yield* sleep(10)
    return 'spam'
  })
  expect(await call()).toBe('spam')
  expect(getRunningLoop().time()).toBe(10)
})

// test_double_await
virtual('a coroutine that a task runs cannot be awaited as well', async () => {
  const call = coroutine(async () => sleep(100))()
  const task = createTask(call)
  await sleep(0)
  expect(await thrown(call)).toBeInstanceOf(RuntimeError)
  task.cancel()
  await thrown(task)
})
