// Tests `TaskTurn`, which runs code of a task while the body of the task waits.
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  isCancelled,
  run,
  sleep,
  type Task,
  wait,
} from '@tasktree/core'
import { runInNewFrame, TaskTurn } from '@tasktree/core/lowlevel'
import { expect, test } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

/** Starts a task that waits, and that has a TaskTurn that calls `work`. */
async function waiting(
  work: (body: Future<void>) => boolean,
): Promise<{ task: Task<string>; turn: TaskTurn; body: Future<void> }> {
  let turn!: TaskTurn
  const body = new Future<void>()
  const task = createTask(
    async () => {
      turn = new TaskTurn(() => work(body))
      await body
      return 'resumed'
    },
    { name: 'waiting' },
  )
  await sleep(0)
  return { task, turn, body }
}

virtual(
  'a TaskTurn runs its work as code of the task, and the wait of the task goes on',
  async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const { task, turn, body } = await storage.run('of the task', () =>
      waiting(() => {
        seen.push(currentTask()?.name, storage.getStore())
        return false
      }),
    )
    storage.run('of the caller', () => turn.push())
    expect(seen).toEqual([])
    await sleep(0)
    expect(seen).toEqual(['waiting', 'of the task'])
    expect(task.done()).toBe(false)
    expect(task.waitingOn.has(body)).toBe(true)
    body.setResult()
    expect(await task).toBe('resumed')
  },
)

virtual('a TaskTurn that is pushed several times runs once, and can be pushed again', async () => {
  let runs = 0
  const { task, turn, body } = await waiting(() => {
    runs++
    return false
  })
  turn.push()
  turn.push()
  turn.pushAfterIO()
  await sleep(0)
  expect(runs).toBe(1)
  turn.pushAfterIO()
  turn.push()
  await sleep(0)
  await sleep(0)
  expect(runs).toBe(2)
  body.setResult()
  await task
})

virtual(
  'TaskTurns run in the order in which they were pushed, between callbacks of the loop',
  async () => {
    const order: string[] = []
    const first = await waiting(() => order.push('first') === 0)
    const second = await waiting(() => order.push('second') === 0)
    const loop = getRunningLoop()
    loop.callSoon(() => order.push('before'))
    second.turn.push()
    loop.callSoon(() => order.push('between'))
    first.turn.push()
    loop.callSoon(() => order.push('after'))
    await sleep(0)
    expect(order).toEqual(['before', 'second', 'between', 'first', 'after'])
    for (const { task, body } of [first, second]) {
      body.setResult()
      await task
    }
  },
)

virtual(
  'async code that a TaskTurn begins runs on until it waits, before the next turn',
  async () => {
    const order: string[] = []
    const { task, turn, body } = await waiting(() => {
      void (async () => {
        order.push('called')
        await Promise.resolve()
        order.push('after a native await')
        await sleep(1)
        order.push('after a wait')
        body.setResult()
      })()
      return true
    })
    turn.push()
    getRunningLoop().callSoon(() => order.push('next turn'))
    expect(await task).toBe('resumed')
    expect(order).toEqual(['called', 'after a native await', 'next turn', 'after a wait'])
  },
)

virtual(
  'a cancel of the task reaches its body and the code that its TaskTurn has begun',
  async () => {
    const ended: string[] = []
    const { task, turn } = await waiting(() => {
      void (async () => {
        try {
          await sleep(1_000)
        } catch (error) {
          if (isCancelled(error)) ended.push('cancelled')
        }
      })()
      return true
    })
    turn.push()
    await sleep(1)
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
    expect(ended).toEqual(['cancelled'])
  },
)

virtual('a TaskTurn that cancels its task ends the body of the task', async () => {
  const { task, turn } = await waiting(() => {
    currentTask()?.cancel('from inside')
    return false
  })
  turn.push()
  const error = await thrown(task)
  expect(isCancelled(error) && error.message).toContain('from inside')
})

virtual('a TaskTurn does not run after its task has ended', async () => {
  let runs = 0
  const { task, turn, body } = await waiting(() => {
    runs++
    return false
  })
  body.setResult()
  await task
  turn.push()
  await sleep(0)
  expect(runs).toBe(0)
})

virtual(
  'an error of a TaskTurn is reported to the exception handler, and the task goes on',
  async () => {
    const reported: unknown[] = []
    getRunningLoop().setExceptionHandler((_loop, { exception }) => void reported.push(exception))
    const { task, turn, body } = await waiting(() => {
      throw new Error('on purpose')
    })
    turn.push()
    await sleep(1)
    expect(reported).toMatchObject([{ message: 'on purpose' }])
    expect(currentTask()?.name).not.toBe('waiting')
    body.setResult()
    expect(await task).toBe('resumed')
  },
)

test('an error of a TaskTurn does not keep the AsyncLocalStorage values of the task in memory', () =>
  run(async () => {
    getRunningLoop().setExceptionHandler(() => {})
    const storage = new AsyncLocalStorage<object>()
    const fail = async (): Promise<WeakRef<object>> => {
      const value = {}
      const { task, turn, body } = await storage.run(value, () =>
        waiting(() => {
          throw new Error('on purpose')
        }),
      )
      turn.push()
      await sleep(0)
      body.setResult()
      await task
      return new WeakRef(value)
    }
    const value = await fail()
    for (let i = 0; i < 50 && value.deref() !== undefined; i++) {
      await sleep(0)
      gc?.()
    }
    expect(value.deref()).toBeUndefined()
  }))

test('an error in runInNewFrame does not keep the AsyncLocalStorage values of the caller in memory', () =>
  run(async () => {
    const storage = new AsyncLocalStorage<object>()
    const fail = (): WeakRef<object> => {
      const value = {}
      const call = (): unknown =>
        runInNewFrame(() => {
          throw new Error('on purpose')
        })
      expect(() => storage.run(value, call)).toThrow('on purpose')
      return new WeakRef(value)
    }
    // After this sleep the loop is no longer in the call that started this task.
    await sleep(0)
    const value = fail()
    for (let i = 0; i < 50 && value.deref() !== undefined; i++) {
      await sleep(0)
      gc?.()
    }
    expect(value.deref()).toBeUndefined()
  }))

test('100,000 turns of a TaskTurn keep no other task waiting', async () => {
  await run(async () => {
    let left = 100_000
    let ticks = 0
    const { task, turn } = await waiting((body) => {
      if (--left > 0) turn.push()
      else body.setResult()
      return false
    })
    const ticker = createTask(async () => {
      for (;;) {
        await sleep(0)
        ticks++
      }
    })
    turn.push()
    await task
    ticker.cancel()
    expect(left).toBe(0)
    expect(ticks).toBeGreaterThan(1)
  })
})

test('new TaskTurn outside of a task throws', () => {
  expect(() => new TaskTurn(() => false)).toThrow('TaskTurn needs a running task')
})
