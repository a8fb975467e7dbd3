// Tests how the error of a job is encoded for its way to the pool, even if parts of it are hostile or cannot be sent.
import { decodeError, encodeError } from '@tasktree/executor/lowlevel'
import { expect, test } from 'vitest'

let sent = 0
const send = (value: unknown): void => {
  sent++
  structuredClone(value)
}
const carry = (thrown: unknown): Error =>
  decodeError(structuredClone(encodeError(thrown, send)), '') as Error

const withErrors = (errors: unknown): AggregateError =>
  Object.assign(new AggregateError([], 'several'), { errors })

test('a list of errors arrives with its readable items, even if its methods and other items throw', () => {
  const own = [new RangeError('first'), 'second']
  Object.assign(own, { map: () => 7 })
  expect(carry(withErrors(own))).toMatchObject({
    message: 'several',
    errors: [{ name: 'RangeError', message: 'first' }, 'second'],
  })
  const throwing = ['first', 'second']
  Object.defineProperty(throwing, 0, {
    get() {
      throw new Error('not this one')
    },
  })
  expect(carry(withErrors(throwing))).toMatchObject({
    errors: ['(cannot be read: not this one)', 'second'],
  })
  for (const get of [
    () => Symbol('length'),
    () => {
      throw new Error('nothing')
    },
  ]) {
    const proxy = new Proxy(['first'], { get })
    expect(carry(withErrors(proxy))).toMatchObject({ message: 'several', errors: [] })
  }
})

test('a list of errors that is too long arrives with its first errors and the number of missing errors', () => {
  const long: unknown[] = [new RangeError('first')]
  long.length = 2 ** 32 - 1
  const { errors } = carry(withErrors(long)) as AggregateError
  expect(errors).toHaveLength(10_001)
  expect(errors[0]).toMatchObject({ name: 'RangeError', message: 'first' })
  expect(errors[1]).toBeUndefined()
  expect(errors[10_000]).toBe(`(and ${2 ** 32 - 1 - 10_000} more)`)
})

test('a property `errors` that is not a list of errors arrives like any other property', () => {
  const error = Object.assign(new Error('invalid'), { errors: { name: new RangeError('short') } })
  expect(carry(error)).toMatchObject({ message: 'invalid', errors: { name: { message: 'short' } } })
  const listed = Object.assign(new Error('invalid'), { errors: ['short'] })
  expect(carry(listed)).toMatchObject({ errors: ['short'] })
})

test('an object that many errors refer to is checked once, and is one object after the decoding', () => {
  const request = { path: '/' }
  const errors = Array.from({ length: 100 }, () => Object.assign(new Error('failed'), { request }))
  sent = 0
  const carried = carry(withErrors(errors)) as AggregateError
  expect(sent).toBe(1)
  expect(carried.errors[7]).toMatchObject({ message: 'failed', request: { path: '/' } })
  expect(carried.errors[7].request).toBe(carried.errors[8].request)
})
