import { channel, type Channel } from 'node:diagnostics_channel'
import type { Task } from './task.ts'

/** The messages of the task channels. */
export interface TaskMessage {
  readonly task: Task
}

/** Told nothing, and costing a check of a field, while nobody has subscribed. */
export const taskCreate: Channel = channel('tasktree:task:create')
export const taskStart: Channel = channel('tasktree:task:start')
export const taskEnd: Channel = channel('tasktree:task:end')
export const taskCancel: Channel = channel('tasktree:task:cancel')
