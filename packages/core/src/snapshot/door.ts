import { currentTask } from '../context/current.ts'
import { capturesAwaitSites, captureAwaitSites } from '../futures/await-sites.ts'
import { snapshot } from './snapshot.ts'
import { findTask, idOf } from './task-ids.ts'
import { why } from './why.ts'

/** The functions beside `snapshot` that a tool needs when it is attached to the process. */
const tools = {
  /** Returns the sentence of `why` for the task with this id or name; null if there is no such task. */
  why: (idOrName: number | string): string | null => {
    const task = findTask(idOrName)
    return task === null ? null : why(task)
  },
  /** Cancels the task with this id or name and returns its id; null if there is no such task. */
  cancel: (idOrName: number | string): number | null => {
    const task = findTask(idOrName)
    task?.cancel('cancelled by the tasktree command')
    return task === null ? null : idOf(task)
  },
  /** The id of the task whose code is running; null in plain code. */
  current: (): number | null => {
    const task = currentTask()
    return task === null ? null : idOf(task)
  },
  captureAwaitSites,
  capturesAwaitSites,
  idOf,
}

/**
 * Puts `snapshot` under a global symbol, because a tool that attaches to a process cannot import this package. Every
 * copy of the package knows the symbol, and the copy that was loaded first in a thread installs its function.
 */
export function installSnapshotDoor(): void {
  const holder = globalThis as unknown as Record<symbol, unknown>
  const key = Symbol.for('tasktree.snapshot')
  if (holder[key] !== undefined) return
  Object.defineProperty(holder, key, {
    value: Object.assign((options?: { stacks?: boolean }) => snapshot(options), tools),
    configurable: true,
    enumerable: false,
  })
}
