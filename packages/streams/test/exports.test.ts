import * as streams from '@tasktree/streams'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(streams)).toMatchInlineSnapshot(`
    [
      "copy",
      "ConnectionResetError",
      "IncompleteReadError",
      "LimitOverrunError",
      "StreamReader",
      "StreamWriter",
    ]
  `)
})
