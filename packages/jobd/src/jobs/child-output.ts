import type { Process } from '@tasktree/subprocess'
import type { JobContext } from './kind.ts'

/**
 * Milliseconds between SIGTERM and SIGKILL. The time is short, so that the processes of a cancelled job end within a
 * second.
 */
export const killGrace = 500

/** The result of the job is the end of its output, at most this many characters. */
const longestResult = 4_096

/**
 * Passes the output of a child process on until the process ends, and returns the end of the output.
 *
 * @throws when the exit code is not 0
 */
export async function outcomeOf(child: Process, ctx: Pick<JobContext, 'output'>): Promise<string> {
  await using _ = child
  const decoder = new TextDecoder()
  let end = ''
  const keep = (text: string): void => {
    if (text === '') return
    ctx.output(text)
    end = (end + text).slice(-longestResult)
  }
  for (;;) {
    const chunk = await child.stdout?.read(65_536)
    if (chunk === undefined || chunk.length === 0) break
    keep(decoder.decode(chunk, { stream: true }))
  }
  keep(decoder.decode())
  await child.wait()
  const text = end.trimEnd()
  if (child.returncode !== 0)
    throw new Error(`exit code ${child.returncode}${text === '' ? '' : `: ${text}`}`)
  return text
}
