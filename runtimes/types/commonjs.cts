// A CommonJS module: from TypeScript 5.8 on, it may import ES modules, as Node's `require()` can.
import { createTask, type Task } from '@tasktree/core'
import { Lock } from '@tasktree/sync'

export function use(): Task<boolean> {
  const lock = new Lock()
  return createTask(async () => lock.locked())
}
