import { CancelledError, isCancelled } from '@tasktree/core'
import { BodyTooLargeError, ClientGoneError, ServerStoppedError } from '@tasktree/http'
import { expect, test } from 'vitest'

test.each([ClientGoneError, ServerStoppedError, BodyTooLargeError])(
  'the property name of an error is the name of its class: %o',
  (type) => {
    const error = new type(1 as never)
    expect(error.name).toBe(type.name)
    expect(String(error)).toBe(`${type.name}: ${error.message}`)
  },
)

test.each([ClientGoneError, ServerStoppedError])(
  'isCancelled() is true for an error of the class %o',
  (type) => {
    const error = new type()
    expect(error).toBeInstanceOf(CancelledError)
    expect(isCancelled(error)).toBe(true)
  },
)
