import type { Task } from '@tasktree/core'
import type { ActorRun } from './actor-run.ts'
import type { Envelope } from './message.ts'

/** What a task does for an actor. */
export interface Activity {
  readonly run: ActorRun
  readonly current: Envelope | null
}

const activities = new WeakMap<Task, Activity>()

export function setActivity(task: Task, activity: Activity): void {
  activities.set(task, activity)
}

/** The handler that runs in `task` itself; tasks that it started are not part of it. */
export function activityOf(task: Task | null): Activity | null {
  return task === null ? null : (activities.get(task) ?? null)
}
