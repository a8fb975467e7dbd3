import { getEventLoop } from '../context/current.ts'
import { Claim } from '../futures/claim.ts'
import type { Future } from '../futures/future.ts'
import type { EventLoop } from '../loop/loop.ts'
import { Task } from './task.ts'

/**
 * The live tasks of a loop as text: each under the task that created it, with its state and what it
 * waits on.
 */
export function formatTaskTree(options?: { loop?: EventLoop }): string {
  const loop = options?.loop ?? getEventLoop()
  const tasks = loop.liveTasks()
  const live = new Set(tasks)
  const children = new Map<Task | null, Task[]>()
  for (const task of tasks) {
    const parent = task.parent !== null && live.has(task.parent) ? task.parent : null
    children.set(parent, [...(children.get(parent) ?? []), task])
  }
  const lines: string[] = []
  const visit = (parent: Task | null, indent: string): void => {
    const siblings = children.get(parent) ?? []
    for (const [i, task] of siblings.entries()) {
      const last = i === siblings.length - 1
      const branch = parent === null && indent === '' ? '' : last ? '└─ ' : '├─ '
      lines.push(`${indent}${branch}${task.name}  ${stateOf(task)}`)
      visit(task, branch === '' ? indent + ' ' : indent + (last ? '   ' : '│  '))
    }
  }
  visit(null, '')
  return lines.length === 0 ? 'no tasks' : lines.join('\n')
}

function stateOf(task: Task): string {
  const cancelling = task.cancelling() > 0 ? ', cancelling' : ''
  if (!task.started) return `not started${cancelling}`
  const waits = [...task.waitingOn].map(nameOf)
  if (waits.length === 0) return `running or awaiting a foreign promise${cancelling}`
  return `waiting on ${waits.join(', ')}${cancelling}`
}

function nameOf(future: Future<unknown>): string {
  if (future instanceof Task) return future.name
  return future instanceof Claim ? future.describeWait() : future.constructor.name
}
