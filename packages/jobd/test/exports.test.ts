import * as jobd from '@tasktree/jobd'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(jobd)).toMatchInlineSnapshot(`
    [
      "JobClient",
      "JobFailedError",
      "toRecord",
      "defineKinds",
      "KindError",
      "JobFileError",
      "startJobd",
    ]
  `)
})
