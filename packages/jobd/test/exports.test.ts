import * as jobd from '@tasktree/jobd'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(jobd)).toMatchInlineSnapshot(`
    [
      "ClientClosed",
      "JobClient",
      "JobFailedError",
      "toRecord",
      "defineKinds",
      "KindError",
      "ErrorReply",
      "ProtocolError",
      "JobFileError",
      "startJobd",
    ]
  `)
})
