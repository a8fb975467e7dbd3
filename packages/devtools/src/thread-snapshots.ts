import type { RuntimeSnapshot } from '@tasktree/core'
import type { Attached, Thread } from './attach.ts'
import { Failure } from './failure.ts'

/** The result of core's `snapshot()` in one thread of the process: the loops and tasks of that thread. */
export interface ThreadSnapshot extends RuntimeSnapshot {
  thread: string
}

/**
 * An expression for a function that core stores on `globalThis` in each thread. The function makes a snapshot of its thread.
 * Its properties `why`, `cancel`, `current` and `idOf` are functions that explain, cancel and identify tasks.
 */
export const door = "globalThis[Symbol.for('tasktree.snapshot')]"

/** The milliseconds that a snapshot may take. With a million tasks, or on a busy machine, it takes several seconds. */
const patience = 60_000

/** Calls core's `snapshot()` in each thread that has loaded Tasktree. @throws {Failure} when no thread has loaded it */
export async function look(attached: Attached, stacks = false): Promise<ThreadSnapshot[]> {
  const looks = await lookAtThreads(attached, stacks)
  return looks.map(({ snapshot }) => snapshot)
}

/** Makes the same snapshots as `look`. Returns each snapshot with its thread, because two threads may have the same name. */
export async function lookAtThreads(
  attached: Attached,
  stacks = false,
): Promise<{ thread: Thread; snapshot: ThreadSnapshot }[]> {
  const { main, pid } = attached
  if (main.isClosed) throw new Failure(`process ${pid} has ended, or has closed its inspector`)
  const taken: { thread: Thread; snapshot: ThreadSnapshot }[] = []
  for (const thread of attached.threads) {
    const { name, session } = thread
    if (session.isClosed) continue
    try {
      // If the thread does not answer at all, this call fails earlier than the call that makes the snapshot would fail.
      if ((await session.evaluate(`${door} === undefined`)) === true) continue
      const text = `JSON.stringify(${door}({ stacks: ${stacks} }))`
      const json = String(await session.evaluate(text, patience))
      taken.push({ thread, snapshot: { thread: name, ...(JSON.parse(json) as RuntimeSnapshot) } })
    } catch (error) {
      // A worker thread may end at any moment, or may not answer. Then it is left out; only the main thread must answer.
      if (session === main) throw error
    }
  }
  if (taken.length === 0) {
    throw new Failure(`process ${pid} has no Tasktree in it (@tasktree/core is not loaded)`)
  }
  return taken
}
