// This is a CommonJS module. From TypeScript 5.8 on, such a module may import ES modules, as Node's `require()` can.
import { createTask, type Task } from '@tasktree/core'
import { Lock } from '@tasktree/sync'

export function use(): Task<boolean> {
  const lock = new Lock()
  return createTask(async () => lock.locked())
}
