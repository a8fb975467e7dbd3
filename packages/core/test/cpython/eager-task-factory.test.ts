import {
  allTasks,
  ContextVar,
  coroutine,
  createTask,
  currentTask,
  Future,
  gather,
  sleep,
  Task,
  taskGroup,
} from '@tasktree/core'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'vitest'
import { thrown, virtual } from '../support/virtual.ts'

// Behaviours of Lib/test/test_asyncio/test_eager_task_factory.py (CPython 3.13), for the `eager` option
// of createTask; the name of each case there stands above its test.

const eager = { eager: true }

// test_eager_task_factory_set
virtual(
  'createTask with eager: true returns a Task that resolves with the value of its body',
  async () => {
    const task = createTask(async () => 'done', eager)
    expect(task).toBeInstanceOf(Task)
    expect(await task).toBe('done')
  },
)

// test_await_future_during_eager_step
virtual(
  'a future that an eager task resolves in its first step is done when createTask returns',
  async () => {
    const future = new Future<string>()
    const task = createTask(async () => {
      future.setResult('my message')
    }, eager)
    expect(future.done()).toBe(true)
    expect(await future).toBe('my message')
    await task
  },
)

// test_eager_completion (differs: see docs/coming-from/differences-from-asyncio.md)
virtual('an eager task without a wait has run to its end before a lazy task begins', async () => {
  const order: string[] = []
  const lazy = createTask(async () => order.push('lazy'))
  const task = createTask(async () => {
    order.push('eager')
    return 'hello'
  }, eager)
  task.addDoneCallback(() => order.push('told'))
  expect(order).toEqual(['eager'])
  expect(await task).toBe('hello')
  await lazy
  expect(order[0]).toBe('eager')
})

// test_block_after_eager_step
virtual(
  'an eager task that sleeps is not done after createTask, and ends after its sleep',
  async () => {
    const task = createTask(async () => {
      await sleep(100)
      return 'finished after blocking'
    }, eager)
    expect(task.done()).toBe(false)
    expect(await task).toBe('finished after blocking')
    expect(task.done()).toBe(true)
  },
)

// test_cancellation_after_eager_completion
virtual('an eager task that has ended cannot be cancelled', async () => {
  const task = createTask(async () => 'finished without blocking', eager)
  await sleep(0)
  expect(task.cancel()).toBe(false)
  expect(await task).toBe('finished without blocking')
  expect(task.cancelled()).toBe(false)
})

// test_cancellation_after_eager_step_blocks
virtual(
  'an eager task that waits can be cancelled right after createTask, with a message',
  async () => {
    const task = createTask(async () => sleep(100), eager)
    task.cancel('cancellation message')
    expect(task.cancelling()).toBe(1)
    expect(await thrown(task)).toMatchObject({
      name: 'CancelledError',
      message: 'cancellation message',
    })
  },
)

// test_current_task
virtual('currentTask() is the eager task in its first step and after its wait', async () => {
  const creator = currentTask()
  const seen: (Task | null)[] = []
  const task = createTask(async () => {
    seen.push(currentTask())
    await sleep(100)
    seen.push(currentTask())
  }, eager)
  expect(seen[0] === task).toBe(true)
  expect(currentTask() === creator).toBe(true)
  await task
  expect(seen[1] === task).toBe(true)
})

// test_all_tasks_with_eager_completion
virtual('allTasks() has an eager task in its first step, and not after its end', async () => {
  let seen: Set<Task> | undefined
  const task = createTask(async () => {
    seen = allTasks()
  }, eager)
  expect(seen?.has(task)).toBe(true)
  await task
  expect(allTasks().has(task)).toBe(false)
})

// test_all_tasks_with_blocking
virtual('allTasks() has an eager task that waits, until the task has ended', async () => {
  const first = new Future<void>()
  const second = new Future<void>()
  let seen: Set<Task> | undefined
  const task = createTask(async () => {
    seen = allTasks()
    await first
    second.setResult()
  }, eager)
  expect(seen?.has(task)).toBe(true)
  expect(allTasks().has(task)).toBe(true)
  first.setResult()
  await second
  expect(allTasks().has(task)).toBe(false)
})

// test_context_vars
virtual(
  'an eager task has its own context from its first step on, which its creator does not see',
  async () => {
    const variable = new ContextVar('variable', { default: 0 })
    const seen: number[] = []
    variable.set(1)
    const task = createTask(async () => {
      seen.push(variable.get())
      variable.set(2)
      seen.push(variable.get())
      await sleep(100)
      seen.push(variable.get())
      variable.set(3)
      seen.push(variable.get())
    }, eager)
    expect(seen).toEqual([1, 2])
    expect(variable.get()).toBe(1)
    await task
    expect(seen).toEqual([1, 2, 2, 3])
    expect(variable.get()).toBe(1)
  },
)

// NonEagerTests: expected_task_count of the recursions of width 5 and depth 4 is 780, and their root
const children = 5 + 5 ** 2 + 5 ** 3 + 5 ** 4

/** How many tasks `body` makes. */
async function countTasks(body: () => PromiseLike<unknown>): Promise<number> {
  let count = 0
  const counted = (): void => {
    count++
  }
  subscribe('tasktree:task:create', counted)
  try {
    await body()
  } finally {
    unsubscribe('tasktree:task:create', counted)
  }
  return count
}

// test_awaitables_chain
virtual('awaiting nested calls of a coroutine creates no tasks', async () => {
  const chain = coroutine(async (depth: number): Promise<number> => {
    return depth === 0 ? 0 : 1 + (await chain(depth - 1))
  })
  let depth = 0
  expect(
    await countTasks(async () => {
      depth = await chain(100)
    }),
  ).toBe(0)
  expect(depth).toBe(100)
})

// test_recursive_taskgroups
virtual('nested task groups create one task for each child', async () => {
  const recurse = async (depth: number): Promise<void> => {
    if (depth === 0) return
    await taskGroup(async (group) => {
      for (let i = 0; i < 5; i++) group.createTask(() => recurse(depth - 1), eager)
    })
  }
  expect(await countTasks(() => recurse(4))).toBe(children)
})

// test_recursive_gather
virtual('nested gathers create one task for each function', async () => {
  const recurse = async (depth: number): Promise<void> => {
    if (depth === 0) return
    await gather(Array.from({ length: 5 }, () => () => recurse(depth - 1)))
  }
  expect(await countTasks(() => recurse(4))).toBe(children)
})
