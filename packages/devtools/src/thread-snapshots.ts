import type { RuntimeSnapshot } from '@tasktree/core'
import type { Attached } from './attach.ts'
import { Failure } from './failure.ts'

/** The result of core's `snapshot()` in one thread of the process: the loops and tasks of that thread. */
export interface ThreadSnapshot extends RuntimeSnapshot {
  thread: string
}

export const door = "globalThis[Symbol.for('tasktree.snapshot')]"

/** Calls core's `snapshot()` in each thread that has loaded Tasktree. @throws {Failure} when no thread has loaded it */
export async function look(attached: Attached, stacks = false): Promise<ThreadSnapshot[]> {
  const { main, pid } = attached
  if (main.isClosed) throw new Failure(`process ${pid} has ended, or has closed its inspector`)
  const taken: ThreadSnapshot[] = []
  for (const { name, session } of attached.threads) {
    if (session.isClosed) continue
    const json = await session
      .evaluate(`${door} === undefined ? null : JSON.stringify(${door}({ stacks: ${stacks} }))`)
      .catch((error: unknown) => {
        // A worker may end at any moment.
        if (session === main) throw error
        return null
      })
    if (typeof json !== 'string') continue
    taken.push({ thread: name, ...(JSON.parse(json) as RuntimeSnapshot) })
  }
  if (taken.length === 0) {
    throw new Failure(`process ${pid} has no Tasktree in it (@tasktree/core is not loaded)`)
  }
  return taken
}
