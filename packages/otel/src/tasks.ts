import type { Tracer } from '@opentelemetry/api'
import type { Task } from '@tasktree/core'
import { taskId } from '@tasktree/core/lowlevel'
import { spansOfChannel } from './channel-spans.ts'

interface TaskTrace {
  readonly task: Task
  readonly isService: boolean
}

/** Matches the names that the event loop gives to tasks that the program has not named. */
const madeUp = /^Task-\d+$/

/** Makes a span for each task that the program has named, from the first step of the task to its end. */
export function watchTasks(tracer: Tracer): Disposable {
  return spansOfChannel<TaskTrace>('tasktree:task', tracer, ({ task, isService }) => {
    const { name } = task
    if (isService || madeUp.test(name)) return null
    return { name, attributes: { 'tasktree.task.id': taskId(task) } }
  })
}
