import { createSubprocessExec, DEVNULL, PIPE, type Process, STDOUT } from '@tasktree/subprocess'
import { killGrace, outcomeOf } from './child-output.ts'
import { defineKinds, type Kind } from './kind.ts'
import { parseText } from './payload-parsers.ts'

/**
 * The kind `python`: runs Python code in a python3 child process. The job fails with a clear error if there is no
 * python3.
 */
export const python: { readonly python: Kind } = defineKinds({
  python: {
    placeholder: 'Python code',
    parse: parseText('Python code'),
    run: async (code, ctx) => outcomeOf(await startPython(code), ctx),
  },
})

async function startPython(code: string): Promise<Process> {
  try {
    return await createSubprocessExec('python3', ['-u', '-c', code], {
      stdin: DEVNULL,
      stdout: PIPE,
      stderr: STDOUT,
      killGrace,
    })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    throw new Error('there is no python3 on this machine', { cause: error })
  }
}
