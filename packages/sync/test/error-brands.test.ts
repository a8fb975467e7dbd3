import * as sync from '@tasktree/sync'
import { expect, test } from 'vitest'

const classes = Object.values(sync).filter(
  (value): value is typeof value & typeof Error =>
    typeof value === 'function' && value.prototype instanceof Error,
)

test.each(classes.map((type) => [type.name, type.prototype as object] as const))(
  '%s has a mark that every copy of the package shares',
  (name, prototype) => {
    expect(Object.hasOwn(prototype, Symbol.for(`@tasktree/core.${name}`))).toBe(true)
  },
)

test('all seven error classes are found', () => expect(classes).toHaveLength(7))
