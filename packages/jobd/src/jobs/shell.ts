import { createSubprocessShell, DEVNULL, PIPE, STDOUT } from '@tasktree/subprocess'
import { killGrace, outcomeOf } from './child-output.ts'
import { defineKind, type Kind, parseText } from './kind.ts'

/** A command line in a child process. Its output is kept, and its exit code decides. */
export const shell: Kind = defineKind({
  placeholder: 'a command line',
  parse: parseText('a command line'),
  run: async (command, bench) =>
    outcomeOf(
      await createSubprocessShell(command, {
        stdin: DEVNULL,
        stdout: PIPE,
        stderr: STDOUT,
        killGrace,
      }),
      bench,
    ),
})
