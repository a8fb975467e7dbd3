import * as subprocess from '@tasktree/subprocess'
import { expect, test } from 'vitest'

test('the package exports the names that are listed here', () => {
  expect(Object.keys(subprocess)).toMatchInlineSnapshot(`
    [
      "$",
      "ArgumentListTooLongError",
      "CalledProcessError",
      "FileNotFoundError",
      "MaxBufferError",
      "NotADirectoryError",
      "NotReadyError",
      "PermissionError",
      "ProcessLookupError",
      "TimeoutExpired",
      "ManagedProcess",
      "DEVNULL",
      "PIPE",
      "STDOUT",
      "Process",
      "python",
      "run",
      "shlex",
      "createSubprocessExec",
      "createSubprocessShell",
    ]
  `)
})
