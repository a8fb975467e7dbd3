import { ExceptionGroup, isCancelled, CancelledError } from '@tasktree/core'
import { expect, test } from 'vitest'

test('a group of groups that are nested deeper than the stack is split', () => {
  let group = new ExceptionGroup('innermost', [new TypeError('t'), new RangeError('r')])
  for (let i = 0; i < 20_000; i++) group = new ExceptionGroup('around', [group])
  const [types, rest] = group.split(TypeError)
  let depth = 0
  let error: unknown = types
  while (error instanceof ExceptionGroup) {
    depth++
    error = error.errors[0]
  }
  expect(depth).toBe(20_001)
  expect(error).toBeInstanceOf(TypeError)
  expect(rest).toBeInstanceOf(ExceptionGroup)
})

test('the newest of many suppressed errors is found', () => {
  let error: Error = new CancelledError()
  for (let i = 0; i < 20_000; i++) error = new SuppressedError(error, new Error('older'))
  expect(isCancelled(error)).toBe(true)
})
