import * as streams from '@tasktree/streams'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(streams)).toMatchInlineSnapshot(`
    [
      "compactCopy",
      "copy",
      "copyBidirectional",
      "IncompleteReadError",
      "LimitOverrunError",
      "FlowControl",
      "AddressInUseError",
      "BrokenPipeError",
      "ConnectionRefusedError",
      "ConnectionResetError",
      "GaiError",
      "OSError",
      "toOSError",
      "StreamReader",
      "StreamWriter",
      "WriteTransport",
    ]
  `)
})
