import { createSubprocessShell, DEVNULL, PIPE, STDOUT } from '@tasktree/subprocess'
import { killGrace, outcomeOf } from './child-output.ts'
import { defineKinds, type Kind } from './kind.ts'
import { parseText } from './payload-parsers.ts'

/** A command line in a child process. Its output is kept, and its exit code decides. */
export const shell: { readonly shell: Kind } = defineKinds({
  shell: {
    placeholder: 'a command line',
    parse: parseText('a command line'),
    run: async (command, ctx) =>
      outcomeOf(
        await createSubprocessShell(command, {
          stdin: DEVNULL,
          stdout: PIPE,
          stderr: STDOUT,
          killGrace,
        }),
        ctx,
      ),
  },
})
