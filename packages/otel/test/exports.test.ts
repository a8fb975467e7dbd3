import * as otel from '@tasktree/otel'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(otel)).toEqual(['instrument'])
})
