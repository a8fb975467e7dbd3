import { createSubprocessShell, DEVNULL, PIPE, STDOUT } from '@tasktree/subprocess'
import { killGrace, outcomeOf } from './child-output.ts'
import { defineKinds, type Kind } from './kind.ts'
import { parseText } from './payload-parsers.ts'

/**
 * The kind `shell`: runs a command line in a child process. The output is stored. The job fails if the exit code is not
 * 0.
 */
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
