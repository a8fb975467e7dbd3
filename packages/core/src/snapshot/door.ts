import { capturesAwaitSites, captureAwaitSites } from '../futures/await-sites.ts'
import { snapshot } from './snapshot.ts'
import { findTask, idOf } from './task-ids.ts'
import { why } from './why.ts'

/** What a tool that is attached to the process needs beside the snapshot. */
const tools = {
  /** The sentence of `why` for the task with this id or name; null when there is none. */
  why: (idOrName: number | string): string | null => {
    const task = findTask(idOrName)
    return task === null ? null : why(task)
  },
  /** Cancels the task and returns its id; null when there is none. */
  cancel: (idOrName: number | string): number | null => {
    const task = findTask(idOrName)
    task?.cancel('cancelled by the tasktree command')
    return task === null ? null : idOf(task)
  },
  captureAwaitSites,
  capturesAwaitSites,
  idOf,
}

/**
 * A tool that attaches to a process cannot import this package. It finds `snapshot` by this symbol, which every copy of
 * the package knows; the first copy that is loaded in a thread is the one that the others use.
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
