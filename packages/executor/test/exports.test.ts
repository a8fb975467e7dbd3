import * as executor from '@tasktree/executor'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(executor)).toMatchInlineSnapshot(`[]`)
})
