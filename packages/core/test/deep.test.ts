import {
  allTasks,
  CancelledError,
  createTask,
  ExceptionGroup,
  type Future,
  gather,
  isCancelled,
  sleep,
  type Task,
  wait,
} from '@tasktree/core'
import { expect, test } from 'vitest'
import { virtual } from './support/virtual.ts'

test('a group of groups that are nested deeper than the stack is split', { tags: ['slow'] }, () => {
  let group = new ExceptionGroup('innermost', [new TypeError('t'), new RangeError('r')])
  for (let i = 0; i < 20_000; i++) group = new ExceptionGroup('around', [group])
  const [types, rest] = group.split(TypeError)
  let depth = 0
  let error: unknown = types
  while (error instanceof ExceptionGroup) {
    depth++
    error = error.errors[0]
  }
  expect(depth).toBe(20_001)
  expect(error).toBeInstanceOf(TypeError)
  expect(rest).toBeInstanceOf(ExceptionGroup)
})

test('the newest of many suppressed errors is found', () => {
  let error: Error = new CancelledError()
  for (let i = 0; i < 20_000; i++) error = new SuppressedError(error, new Error('older'))
  expect(isCancelled(error)).toBe(true)
})

virtual('a cancel reaches the end of gathers that are nested deeper than the stack', async () => {
  let cleaned = 0
  const nest = async (depth: number): Promise<void> => {
    try {
      if (depth === 0) await sleep(1e9)
      else await gather([() => nest(depth - 1), () => sleep(1e9)])
    } finally {
      cleaned++
    }
  }
  const task = createTask(() => nest(3_000))
  await sleep(10)
  task.cancel('enough')
  expect(await task.catch((error: unknown) => error)).toMatchObject({ message: 'enough' })
  await sleep(1)
  expect(cleaned).toBe(3_001)
  expect(allTasks().size).toBe(1)
})

virtual('a cancel reaches the end of gathers of gathers', async () => {
  const innermost = sleep(1e9)
  let outer: Future<unknown> = innermost
  for (let i = 0; i < 20_000; i++) outer = gather([outer])
  expect(outer.cancel()).toBe(true)
  expect(innermost.cancelled()).toBe(true)
  await outer.catch(() => {})
})

virtual('a cancel reaches the end of a Promise.all of tasks in tasks', async () => {
  const nest = async (depth: number): Promise<unknown> =>
    depth === 0 ? sleep(1e9) : Promise.all([createTask(() => nest(depth - 1)), sleep(1e9)])
  const task = createTask(() => nest(3_000))
  await sleep(10)
  task.cancel()
  await wait([task])
  await sleep(1)
  expect(task.cancelled()).toBe(true)
  expect(allTasks().size).toBe(1)
})

virtual('a cancel that comes round a circle of many gathers ends', async () => {
  const tasks: Task[] = []
  for (let i = 0; i < 1_000; i++) {
    tasks.push(createTask(async () => gather([tasks[(i + 1) % 1_000] as Task, sleep(1e9)])))
  }
  await sleep(1)
  tasks[0]?.cancel()
  await wait(tasks)
  expect(tasks.every((task) => task.cancelled())).toBe(true)
})
