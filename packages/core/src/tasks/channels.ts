import { channel, type Channel } from 'node:diagnostics_channel'
import type { Task } from './task.ts'
import { Tracing } from './tracing.ts'

/** The message on each of the diagnostics channels for tasks. */
export interface TaskMessage {
  readonly task: Task
}

/**
 * The diagnostics channels of Node on which the start, the end and so on of each task are published. Without a
 * subscriber nothing is published, and the cost is one check of a property.
 */
export const taskCreate: Channel = channel('tasktree:task:create')
export const taskStart: Channel = channel('tasktree:task:start')
export const taskEnd: Channel = channel('tasktree:task:end')
export const taskCancel: Channel = channel('tasktree:task:cancel')

/** The message on the tracing channel `tasktree:task`. */
export interface TaskTrace extends TaskMessage {
  /** Whether the task was made by `createServiceTask`. */
  readonly isService: boolean
}

/** The tracing channel `tasktree:task`. It reports each task, from the beginning of its body to the end of the task. */
export const taskTracing: Tracing<TaskTrace> = new Tracing('tasktree:task')

/** The tasks that `createServiceTask` has made while a tool was subscribed to `tasktree:task`. */
export const serviceTasks: WeakSet<Task> = new WeakSet()
