import type { Task } from '@tasktree/core'
import { addSnapshotPart, LiveList, taskId } from '@tasktree/core/lowlevel'

/** One child process in the result of `snapshot()` of core, which describes all loops and tasks of this thread. */
export interface ProcessSnapshot {
  pid: number
  command: string
  /** The id of the task that owns the process; missing if no task owns the process. */
  task?: number
  state: 'running' | 'ending'
  /** Milliseconds since the process was started. */
  age: number
}

/** What the list needs to know of a process. */
interface ListedProcess {
  readonly pid: number
  readonly returncode: number | null
  /** @internal */
  shown(): ProcessSnapshot
}

/** How many characters of a command line are shown. */
const shownCommand = 200
const processes = new LiveList<ListedProcess>((process) => process.returncode === null)
addSnapshotPart('processes', () => processes.list().map((process) => process.shown()))

/** Adds `process` to the processes that `snapshot()` of core shows. Later snapshots leave it out once it has ended. */
export function addToSnapshots(process: ListedProcess): void {
  processes.add(process)
}

/** Returns what `snapshot()` of core shows about a process. `startedAt` is a time of `performance.now()`. */
export function showProcess(
  pid: number,
  args: readonly string[],
  owner: Task | null,
  isEnding: boolean,
  startedAt: number,
): ProcessSnapshot {
  const command = args.join(' ')
  return {
    pid,
    command: command.length > shownCommand ? `${command.slice(0, shownCommand)}…` : command,
    ...(owner === null ? {} : { task: taskId(owner) }),
    state: isEnding ? 'ending' : 'running',
    age: Math.round(performance.now() - startedAt),
  }
}
