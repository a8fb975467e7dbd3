import * as streams from '@tasktree/streams'
import { expect, test } from 'vitest'

test('the package exports exactly this list of names', () => {
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
