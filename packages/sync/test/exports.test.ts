import * as sync from '@tasktree/sync'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(sync)).toMatchInlineSnapshot(`[]`)
})
