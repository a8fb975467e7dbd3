import { sleep } from '@tasktree/core'
import type { Attached } from './attach.ts'
import { Failure } from './failure.ts'
import type { Session } from './session.ts'
import { door, look } from './thread-snapshots.ts'

/** Finds a task by its id or its name. @throws {Failure} when there is no such task, or several tasks have that name */
export async function findTask(
  attached: Attached,
  idOrName: string,
): Promise<{ session: Session; id: number; name: string }> {
  const found: { session: Session; id: number; name: string }[] = []
  for (const { thread, loops } of await look(attached)) {
    const { session } = attached.threads.find(({ name }) => name === thread) as { session: Session }
    for (const { tasks } of loops) {
      for (const { id, name } of tasks) {
        if (String(id) === idOrName) return { session, id, name }
        if (name === idOrName) found.push({ session, id, name })
      }
    }
  }
  const [first] = found
  if (first === undefined) {
    throw new Failure(`process ${attached.pid} has no live task ${idOrName}`)
  }
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(', ')
    throw new Failure(`${found.length} tasks are named ${idOrName}: use one of the ids ${ids}`)
  }
  return first
}

/** Returns the text that explains why a task does not go on. The process that has the task makes the text. */
export async function why(attached: Attached, idOrName: string): Promise<string> {
  const { session, id } = await findTask(attached, idOrName)
  const text = await session.evaluate(`${door}.why(${id})`)
  if (typeof text !== 'string') throw new Failure(`task ${idOrName} has ended meanwhile`)
  return text
}

/**
 * Cancels a task. The process does this in `setImmediate`. The inspector may evaluate this text while a function of the
 * program is running, and a cancel would change the state under that function. Returns false if the process has not cancelled the task within about a second, because its loop is busy.
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
