import * as jobd from '@tasktree/jobd'
import { expect, test } from 'vitest'

test('the package exports the names that are listed here', () => {
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
