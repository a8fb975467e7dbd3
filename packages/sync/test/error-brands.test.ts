import * as sync from '@tasktree/sync'
import { expect, test } from 'vitest'

const classes = Object.values(sync).filter(
  (value): value is typeof value & typeof Error =>
    typeof value === 'function' && value.prototype instanceof Error,
)

test.each(classes.map((type) => [type.name, type.prototype as object] as const))(
  'the prototype of %s has the mark that other copies of the package look for',
  (name, prototype) => {
    expect(Object.hasOwn(prototype, Symbol.for(`@tasktree/core.${name}`))).toBe(true)
  },
)

test('the package exports seven error classes', () => expect(classes).toHaveLength(7))
