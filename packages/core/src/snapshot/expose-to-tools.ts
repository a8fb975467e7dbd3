import { currentTask } from '../context/current.ts'
import { capturesAwaitSites, captureAwaitSites } from '../futures/await-sites.ts'
import { snapshot } from './snapshot.ts'
import { findTask, idOf } from './task-ids.ts'
import { why } from './why.ts'

/** The functions, in addition to `snapshot`, that a tool needs when it attaches to the process from outside. */
const tools = {
  /** Returns the text of `why()` for the task that `findTask` finds by its id or name; null if it finds none. */
  why: (idOrName: number | string): string | null => {
    const task = findTask(idOrName)
    return task === null ? null : why(task)
  },
  /** Cancels the task that `findTask` finds by its id or name, and returns its id; null if it finds none. */
  cancel: (idOrName: number | string): number | null => {
    const task = findTask(idOrName)
    task?.cancel('cancelled by the tasktree command')
    return task === null ? null : idOf(task)
  },
  /** Returns the id of the task whose code is running; null if the running code belongs to no task. */
  current: (): number | null => {
    const task = currentTask()
    return task === null ? null : idOf(task)
  },
  captureAwaitSites,
  capturesAwaitSites,
  idOf,
}

/**
 * Makes `snapshot` available as a property of `globalThis`, under the symbol `tasktree.snapshot`, because a tool that
 * attaches to a process cannot import this package. If a thread loads several copies of the package, the copy that was
 * loaded first sets the property, and the other copies leave it unchanged.
 */
export function exposeSnapshotToTools(): void {
  const holder = globalThis as unknown as Record<symbol, unknown>
  const key = Symbol.for('tasktree.snapshot')
  if (holder[key] !== undefined) return
  Object.defineProperty(holder, key, {
    value: Object.assign((options?: { stacks?: boolean }) => snapshot(options), tools),
    configurable: true,
    enumerable: false,
  })
}
