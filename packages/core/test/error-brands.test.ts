import * as core from '@tasktree/core'
import { expect, test, vi } from 'vitest'

/** Loads a second copy of core, and returns its error classes. */
async function loadAgain() {
  vi.resetModules()
  const errors = await import('../src/errors/errors.ts')
  const groups = await import('../src/errors/exception-group.ts')
  return { ...errors, ...groups }
}

const mark = (name: string): symbol => Symbol.for(`@tasktree/core.${name}`)
const isErrorClass = (value: unknown): value is typeof Error =>
  typeof value === 'function' && value.prototype instanceof Error

test.each(Object.entries(core).filter(([, v]) => isErrorClass(v)))(
  'the prototype of %s has the mark that other copies of the package look for',
  (name, type) => {
    expect(Object.hasOwn((type as unknown as typeof Error).prototype, mark(name))).toBe(true)
  },
)

test('isCancelled and isInterrupt recognize errors of a second copy of the package', async () => {
  const other = await loadAgain()
  expect(other.CancelledError).not.toBe(core.CancelledError)
  expect(core.isCancelled(new other.CancelledError())).toBe(true)
  expect(other.isInterrupt(new core.KeyboardInterrupt())).toBe(true)
  expect(other.isInterrupt(new core.TimeoutError())).toBe(false)
})

test('an ExceptionGroup splits the errors and groups of a second copy of the package', async () => {
  const other = await loadAgain()
  const late = new other.TimeoutError('late')
  const wrong = new TypeError('wrong')
  const inner = new other.ExceptionGroup('inner', [late, wrong])
  const cancel = new other.CancelledError()
  const group = new core.ExceptionGroup('outer', [inner, cancel])
  const [matching, rest] = group.split(core.TimeoutError)
  expect(matching?.errors[0].errors).toEqual([late])
  expect(rest?.errors[0].errors).toEqual([wrong])
  expect(rest?.errors[1]).toBe(cancel)
  expect(group.subgroup(core.CancelledError)?.errors).toEqual([cancel])
  class Own extends core.TimeoutError {}
  expect(group.subgroup(Own)).toBe(null)
})

test('a cancelled scope catches an ExceptionGroup of cancels of a second copy of the package', async () => {
  const other = await loadAgain()
  const result = await core.run(() =>
    core.cancelScope(async (scope) => {
      scope.cancel('enough')
      throw new other.ExceptionGroup('both', [new other.CancelledError()])
    }),
  )
  expect(result.cancelled).toBe(true)
})
