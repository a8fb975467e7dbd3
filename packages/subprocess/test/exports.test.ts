import * as subprocess from '@tasktree/subprocess'
import { expect, test } from 'vitest'

test('the public names', () => {
  expect(Object.keys(subprocess)).toMatchInlineSnapshot(`
    [
      "CalledProcessError",
      "FileNotFoundError",
      "NotADirectoryError",
      "PermissionError",
      "ProcessLookupError",
      "DEVNULL",
      "PIPE",
      "STDOUT",
      "Process",
      "run",
      "createSubprocessExec",
      "createSubprocessShell",
    ]
  `)
})
