import type { Task } from '@tasktree/core'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'
import type { Envelope } from './envelope.ts'

/** What a task does for an actor. */
export interface Flow {
  readonly incarnation: ActorIncarnation
  readonly current: Envelope | null
}

const flows = new WeakMap<Task, Flow>()

export function setFlow(task: Task, flow: Flow): void {
  flows.set(task, flow)
}

/** The handler that runs in `task` itself; tasks that it started are not part of it. */
export function flowOf(task: Task | null): Flow | null {
  return task === null ? null : (flows.get(task) ?? null)
}
