import { sleep } from '@tasktree/core'
import type { Attached } from './attach.ts'
import { Failure } from './failure.ts'
import type { Session } from './session.ts'
import { door, lookAtThreads } from './thread-snapshots.ts'

export interface FoundTask {
  /** The inspector session to the thread in which the task runs. */
  readonly session: Session
  /** The id, which is unique in its thread only. */
  readonly id: number
  readonly name: string
}

/**
 * Returns the tasks of all threads that have not ended. A snapshot also lists some tasks that have ended, because a listed
 * task still waits for them: for example, a task that has ended without releasing a lock.
 */
export async function liveTasks(attached: Attached): Promise<FoundTask[]> {
  const looks = await lookAtThreads(attached)
  return looks.flatMap(({ thread: { session }, snapshot }) =>
    snapshot.loops
      .flatMap(({ tasks }) => tasks.filter(({ state }) => state !== 'done'))
      .map(({ id, name }) => ({ session, id, name })),
  )
}

/**
 * Finds a task by its id or its name.
 *
 * @throws {Failure} when there is no such task, when several tasks have that name, or when several threads have a task with
 * that id
 */
export async function findTask(attached: Attached, idOrName: string): Promise<FoundTask> {
  const tasks = await liveTasks(attached)
  const withId = tasks.filter(({ id }) => String(id) === idOrName)
  const found = withId.length > 0 ? withId : tasks.filter(({ name }) => name === idOrName)
  const [first] = found
  if (first === undefined) {
    throw new Failure(`process ${attached.pid} has no live task ${idOrName}`)
  }
  if (found.length === 1) return first
  if (withId.length > 0) {
    const names = found.map(({ name }) => name).join(', ')
    throw new Failure(
      `${found.length} threads have a task ${idOrName}: use one of the names ${names}`,
    )
  }
  const ids = found.map(({ id }) => id).join(', ')
  throw new Failure(`${found.length} tasks are named ${idOrName}: use one of the ids ${ids}`)
}

/** Returns the text that explains why a task does not go on. The text is made by core's `why()` in the process. */
export async function why(attached: Attached, idOrName: string): Promise<string> {
  const { session, id } = await findTask(attached, idOrName)
  const text = await session.evaluate(`${door}.why(${id})`)
  if (typeof text !== 'string') throw new Failure(`task ${idOrName} has ended meanwhile`)
  return text
}

/**
 * Cancels a task. The cancel runs in `setImmediate`, because the inspector may evaluate code while a function of the program
 * is running. A cancel in the middle of that function could change the state on which the function relies. Returns false if
 * the process has not cancelled the task within about a second, because its event loop is busy.
 */
export async function cancel(session: Session, id: number): Promise<boolean> {
  const mark = `globalThis[Symbol.for('tasktree.cancelled')]`
  await session.evaluate(
    `(() => { ${mark} = false; setImmediate(() => { ${door}.cancel(${id}); ${mark} = true }) })()`,
  )
  for (let looks = 0; looks < 20; looks++) {
    if ((await session.evaluate(mark)) === true) {
      await session.evaluate(`delete ${mark}`)
      return true
    }
    await sleep(50)
  }
  return false
}
