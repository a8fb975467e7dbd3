import * as otel from '@tasktree/otel'
import { expect, test } from 'vitest'

test('the package exports the names that are listed here', () => {
  expect(Object.keys(otel)).toEqual(['instrument'])
})
