import type { Process } from '@tasktree/subprocess'
import type { JobContext } from './kind.ts'

/** SIGKILL follows SIGTERM so soon that the processes of a cancelled job are gone within a second. Milliseconds. */
export const killGrace = 500

/** The end of its output, this many characters, is a job's result too. */
const longestResult = 4_096

/** Reads a child's output as it comes, until its end. @throws when its exit code is not 0 */
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
