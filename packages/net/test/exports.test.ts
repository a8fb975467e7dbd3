import * as net from '@tasktree/net'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(net)).toMatchInlineSnapshot(`[]`)
})
