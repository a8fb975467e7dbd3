import { AsyncLocalStorage } from 'node:async_hooks'
import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import {
  cancelScope,
  createTask,
  currentTask,
  failAfter,
  isCancelled,
  moveOnAfter,
  run,
  shielded,
  sleep,
  type Task,
  taskGroup,
  timeout,
  TimeoutError,
} from '@tasktree/core'
import { createServiceTask, type TraceEntry } from '@tasktree/core/lowlevel'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'

interface Message {
  readonly task: Task
  readonly result?: string | number
  readonly error?: Error
  readonly cancelled?: boolean
}

const channel: TracingChannel<object, object> = tracingChannel('tasktree:task')

/** Runs `body` and returns all messages of the channel `tasktree:task`. */
async function traced(body: () => Promise<void>): Promise<string[]> {
  const log: string[] = []
  const tell = (what: string) => (message: unknown) => {
    const { task, cancelled, error, result } = message as Message
    const outcome =
      cancelled === true
        ? ' cancelled'
        : error === undefined
          ? ''
          : ` ${error.name}: ${error.message}`
    log.push(`${what} ${task.name}${outcome}${result === undefined ? '' : ` ${String(result)}`}`)
  }
  const handlers = {
    start: tell('start'),
    end: tell('end'),
    asyncStart: tell('asyncStart'),
    asyncEnd: tell('asyncEnd'),
    error: tell('error'),
  }
  channel.subscribe(handlers)
  try {
    await run(body)
  } finally {
    channel.unsubscribe(handlers)
  }
  return log.filter((line) => !line.includes('Task-1'))
}

test('the channel tasktree:task reports a task from its first step to its result', async () => {
  const log = await traced(async () => {
    await createTask(async () => await sleep(1, 7), { name: 'a' })
  })
  expect(log).toEqual(['start a', 'end a', 'asyncStart a 7', 'asyncEnd a 7'])
})

test('the channel tasktree:task reports an error for a failed task, and none for a cancelled task', async () => {
  const log = await traced(async () => {
    const failing = createTask(
      async () => {
        await sleep(1)
        throw new Error('broken')
      },
      { name: 'f' },
    )
    await failing.catch(() => {})
    const cancelled = createTask(() => sleep(1e6), { name: 'c' })
    await sleep(1)
    cancelled.cancel()
    await cancelled.catch(isCancelled)
    const unstarted = createTask(() => sleep(1e6), { name: 'u' })
    unstarted.cancel()
    await unstarted.catch(isCancelled)
  })
  expect(log).toEqual([
    'start f',
    'end f',
    'error f Error: broken',
    'asyncStart f Error: broken',
    'asyncEnd f Error: broken',
    'start c',
    'end c',
    'asyncStart c cancelled',
    'asyncEnd c cancelled',
  ])
})

test('a store bound to tasktree:task is entered in each task and in the tasks it creates, through their awaits', async () => {
  const store = new AsyncLocalStorage<string>()
  channel.start.bindStore(store as never, (message) => {
    const { task } = message as Message
    return `${store.getStore() ?? ''}/${task.name}` as never
  })
  const seen: string[] = []
  const look = (): void => void seen.push(`${currentTask()?.name}: ${store.getStore()}`)
  try {
    await run(async () => {
      await taskGroup(async (group) => {
        group.createTask(
          async () => {
            await sleep(1)
            look()
            await new Promise((resolve) => setTimeout(resolve, 1))
            look()
            await store.run('own', async () => {
              await sleep(1)
              look()
            })
            look()
          },
          { name: 'member' },
        )
        group.createTask(
          function* () {
            yield* sleep(10)
            look()
          },
          { name: 'generator' },
        )
      })
      look()
    })
  } finally {
    channel.start.unbindStore(store as never)
  }
  // The test runs in real time, so either of the two tasks may be first.
  expect(seen.toSorted()).toEqual([
    'Task-1: /Task-1',
    'generator: /Task-1/generator',
    'member: /Task-1/member',
    'member: /Task-1/member',
    'member: /Task-1/member',
    'member: own',
  ])
})

/** Runs `body` and returns all messages of the channel `tasktree:scope`. */
async function tracedScopes(body: () => Promise<void>): Promise<string[]> {
  interface ScopeMessage {
    readonly task: Task
    readonly kind: string
    readonly name: string | null
    readonly error?: Error
    readonly cancelled?: boolean
  }
  const log: string[] = []
  const tell = (what: string) => (message: unknown) => {
    const { task, kind, name, cancelled, error } = message as ScopeMessage
    const outcome = cancelled === true ? ' cancelled' : error === undefined ? '' : ` ${error.name}`
    log.push(`${what} ${task.name} ${kind} ${name}${outcome}`)
  }
  const scopes: TracingChannel<object, object> = tracingChannel('tasktree:scope')
  const handlers = { start: tell('start'), asyncEnd: tell('end'), error: tell('error') }
  scopes.subscribe(handlers)
  try {
    await runVirtual(body)
  } finally {
    scopes.unsubscribe(handlers)
  }
  return log
}

test('the channel tasktree:scope reports each scope from its start to its end, with its kind and name', async () => {
  const log = await tracedScopes(async () => {
    await taskGroup(
      async (group) => {
        group.createTask(() => shielded(() => sleep(1)), { name: 'member' })
        await timeout(100, () => sleep(2))
      },
      { name: 'crew' },
    )
  })
  expect(log).toEqual([
    'start Task-1 group crew',
    'start Task-1 timeout null',
    'start member shield null',
    'end member shield null',
    'end Task-1 timeout null',
    'end Task-1 group crew',
  ])
})

test('the channel tasktree:scope reports an error for a scope that throws undefined', async () => {
  const log = await tracedScopes(async () => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a program may throw any value
    const failing = timeout(100, () => Promise.reject(undefined))
    await failing.catch(() => {})
  })
  expect(log).toEqual([
    'start Task-1 timeout null',
    'error Task-1 timeout null',
    'end Task-1 timeout null',
  ])
})

test('the channel tasktree:scope does not report a scope as cancelled for a value with a field `cancelled`', async () => {
  const log = await tracedScopes(async () => {
    await failAfter(100, async () => ({ cancelled: true }))
    await failAfter(100, () => moveOnAfter(1, () => sleep(50)))
  })
  expect(log.filter((line) => !line.startsWith('start'))).toEqual([
    'end Task-1 scope null',
    'end Task-1 scope null cancelled',
    'end Task-1 scope null',
  ])
})

test('the channel tasktree:scope reports a scope that timed out as cancelled or with its error', async () => {
  const log = await tracedScopes(async () => {
    await moveOnAfter(1, () => sleep(100))
    await cancelScope(
      async (scope) => {
        scope.cancel()
        await sleep(1)
      },
      { name: 'given up' },
    )
    await expect(failAfter(1, () => sleep(100))).rejects.toThrow(TimeoutError)
    await expect(timeout(1, () => sleep(100))).rejects.toThrow(TimeoutError)
    const cancelled = createTask(() => timeout(1e6, () => sleep(1e6)), { name: 'c' })
    await sleep(1)
    cancelled.cancel()
    await cancelled.catch(isCancelled)
  })
  expect(log.filter((line) => !line.startsWith('start'))).toEqual([
    'end Task-1 scope null cancelled',
    'end Task-1 scope given up cancelled',
    'error Task-1 scope null TimeoutError',
    'end Task-1 scope null TimeoutError',
    'error Task-1 timeout null TimeoutError',
    'end Task-1 timeout null TimeoutError',
    'end c timeout null cancelled',
  ])
})

test('a store bound to tasktree:scope is entered in the body of a scope and in the tasks of a group', async () => {
  const store = new AsyncLocalStorage<string>()
  const scopes: TracingChannel<object, object> = tracingChannel('tasktree:scope')
  scopes.start.bindStore(store as never, (message) => (message as { name: string }).name as never)
  const seen: (string | undefined)[] = []
  try {
    await runVirtual(async () => {
      await taskGroup(
        async (group) => {
          group.createTask(async () => {
            await sleep(1)
            seen.push(store.getStore())
          })
          await sleep(2)
          seen.push(store.getStore())
        },
        { name: 'crew' },
      )
      seen.push(store.getStore())
    })
  } finally {
    scopes.start.unbindStore(store as never)
  }
  expect(seen).toEqual(['crew', 'crew', undefined])
})

test('two listeners that set enter() on a start message both run around the task, the later one outside', async () => {
  const log: string[] = []
  const tool =
    (name: string) =>
    (message: unknown): void => {
      const work = message as TraceEntry
      const { enter } = work
      work.enter = (begin) => {
        log.push(`${name} in`)
        try {
          return enter === undefined ? begin() : enter(begin)
        } finally {
          log.push(`${name} out`)
        }
      }
    }
  const tools = [tool('first'), tool('second')]
  await runVirtual(async () => {
    for (const each of tools) channel.start.subscribe(each)
    try {
      await createTask(async () => void log.push(`in ${currentTask()?.name}`), { name: 'a' })
    } finally {
      for (const each of tools) channel.start.unsubscribe(each)
    }
  })
  expect(log).toEqual(['second in', 'first in', 'in a', 'first out', 'second out'])
})

test('a start message has isService: true for a task of createServiceTask, and false for other tasks', async () => {
  const services: [string, boolean][] = []
  const onStart = (message: unknown): void => {
    const { task, isService } = message as { task: Task; isService: boolean }
    services.push([task.name, isService])
  }
  channel.start.subscribe(onStart)
  try {
    await runVirtual(async () => {
      await createServiceTask(() => createTask(() => sleep(1), { name: 'inner' }), {
        name: 'own',
        eager: true,
      })
    })
  } finally {
    channel.start.unsubscribe(onStart)
  }
  expect(services).toEqual([
    ['Task-1', false],
    ['own', true],
    ['inner', false],
  ])
})
