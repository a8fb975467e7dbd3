import * as actor from '@tasktree/actor'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(actor)).toMatchInlineSnapshot(`[]`)
})
