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

test('split works on 20,000 ExceptionGroups, each inside the next', { tags: ['slow'] }, () => {
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

test('isCancelled finds a CancelledError under 20,000 suppressed errors', () => {
  let error: Error = new CancelledError()
  for (let i = 0; i < 20_000; i++) error = new SuppressedError(error, new Error('older'))
  expect(isCancelled(error)).toBe(true)
})

virtual('a cancel reaches the innermost task of 3,000 nested gathers', async () => {
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

virtual(
  'a cancel reaches the innermost future of 20,000 gathers, each of which gathers the one before',
  async () => {
    const innermost = sleep(1e9)
    let outer: Future<unknown> = innermost
    for (let i = 0; i < 20_000; i++) outer = gather([outer])
    expect(outer.cancel()).toBe(true)
    expect(innermost.cancelled()).toBe(true)
    await outer.catch(() => {})
  },
)

virtual(
  'a cancel reaches the innermost of 3,000 nested tasks that wait in Promise.all',
  async () => {
    const nest = async (depth: number): Promise<unknown> =>
      depth === 0 ? sleep(1e9) : Promise.all([createTask(() => nest(depth - 1)), sleep(1e9)])
    const task = createTask(() => nest(3_000))
    await sleep(10)
    task.cancel()
    await wait([task])
    await sleep(1)
    expect(task.cancelled()).toBe(true)
    expect(allTasks().size).toBe(1)
  },
)

virtual('a cancel ends 1,000 tasks that wait for each other in a circle of gathers', async () => {
  const tasks: Task[] = []
  for (let i = 0; i < 1_000; i++) {
    tasks.push(createTask(async () => gather([tasks[(i + 1) % 1_000] as Task, sleep(1e9)])))
  }
  await sleep(1)
  tasks[0]?.cancel()
  await wait(tasks)
  expect(tasks.every((task) => task.cancelled())).toBe(true)
})
