import { AsyncLocalStorage } from 'node:async_hooks'
import {
  ContextVar,
  coroutine,
  type CoroutineGenerator,
  createTask,
  currentTask,
  Future,
  getEventLoop,
  sleep,
  type Task,
} from '@tasktree/core'
import { expect, test } from 'vitest'
import { program } from './support/program.ts'
import { virtual } from './support/virtual.ts'

virtual(
  'the value of an AsyncLocalStorage passes to the tasks that a task creates, and stays across their awaits',
  async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const look = async (): Promise<void> => {
      seen.push(storage.getStore())
      await sleep(1)
      seen.push(storage.getStore())
      await createTask(async () => void seen.push(storage.getStore()))
    }
    await storage.run('a', () => createTask(look))
    await storage.run('a', () => createTask(() => storage.run('b', look)))
    await look()
    expect(seen).toEqual(['a', 'a', 'a', 'b', 'b', 'b', undefined, undefined, undefined])
  },
)

virtual(
  'currentTask() stays the same inside AsyncLocalStorage run, enterWith, exit and disable',
  async () => {
    const storage = new AsyncLocalStorage<number>()
    const task: Task = createTask(async () => {
      for (const value of [1, 2]) {
        await storage.run(value, async () => {
          expect(currentTask()).toBe(task)
          await sleep(1)
          expect(currentTask()).toBe(task)
          expect(storage.getStore()).toBe(value)
        })
      }
      storage.enterWith(3)
      await sleep(1)
      expect([storage.getStore(), currentTask() === task]).toEqual([3, true])
      storage.exit(() => {
        expect([storage.getStore(), currentTask() === task]).toEqual([undefined, true])
      })
      storage.disable()
      expect([storage.getStore(), currentTask() === task]).toEqual([undefined, true])
    })
    await task
    expect(storage.getStore()).toBeUndefined()
  },
)

virtual(
  'AsyncLocalStorage.snapshot and bind keep the current task of the place where they were called',
  async () => {
    const outside = currentTask()
    const { snapshot, bound, task } = await createTask(async () => ({
      snapshot: AsyncLocalStorage.snapshot(),
      bound: AsyncLocalStorage.bind(() => currentTask()),
      task: currentTask(),
    }))
    expect(snapshot(currentTask)).toBe(task)
    expect(bound()).toBe(task)
    expect(currentTask()).toBe(outside)
  },
)

virtual(
  'callbacks of the loop and of futures see the AsyncLocalStorage of the code that added them, and no task',
  async () => {
    const storage = new AsyncLocalStorage<string>()
    const variable = new ContextVar<string>('variable')
    const seen: unknown[] = []
    const look = (): void => void seen.push(storage.getStore(), currentTask(), variable.get('none'))
    await storage.run('asked', async () => {
      variable.set('set')
      getEventLoop().callSoon(look)
      getEventLoop().callLater(1, look)
      const future = new Future<void>()
      future.addDoneCallback(look)
      future.setResult()
      await sleep(2)
    })
    expect(seen).toEqual(Array.from({ length: 3 }, () => ['asked', null, 'set']).flat())
  },
)

test('tasks that each create the next task are garbage collected, except for the last few', async () => {
  const made: WeakRef<Task>[] = []
  const storage = new AsyncLocalStorage<number>()
  const next = (left: number): Task<void> => {
    const task = storage.run(left, () =>
      createTask(async () => {
        await sleep(0)
        if (left > 0) last = next(left - 1)
        else await held
      }),
    )
    made.push(new WeakRef(task))
    return task
  }
  const held = new Future<void>()
  let last: Task<void> | null = next(50)
  while (made.length < 51) await sleep(0)
  await sleep(0)
  const { gc } = globalThis
  if (gc === undefined) throw new Error('the tests run with --expose-gc')
  await new Promise((resolve) => setImmediate(resolve))
  gc()
  // The last task stays, and so do the task that made it and a few earlier tasks that frames may still hold.
  expect(made.filter((task) => task.deref() !== undefined).length).toBeLessThan(5)
  held.setResult()
  await last
})

test('loading the package and running a loop leave the asynchronous context of the program as it was', async () => {
  const { output } = await program(`
    import { AsyncResource } from 'node:async_hooks'
    const look = () => {
      const resource = new AsyncResource('look')
      const [key] = Object.getOwnPropertySymbols(resource).filter((symbol) => symbol.description === 'context_frame')
      return resource[key]
    }
    const loaded = look()
    core.newEventLoop().close()
    console.log(loaded, look())
  `)
  expect(output).toBe('undefined undefined\n')
})

test('AsyncLocalStorage run, bind and enterWith in a task see the current task if no storage was entered outside', async () => {
  const { output } = await program(`
    import { AsyncLocalStorage } from 'node:async_hooks'
    const storage = new AsyncLocalStorage()
    const other = new AsyncLocalStorage()
    const seen = []
    const look = () => seen.push([core.currentTask()?.name, storage.getStore(), other.getStore()].join())
    const main = async () => {
      look()
      storage.run(1, look)
      await other.run(2, async () => {
        await core.sleep(1)
        look()
        await core.createTask(async () => storage.run(3, look), { name: 'child' })
      })
      const bound = AsyncLocalStorage.bind(look)
      other.disable()
      setImmediate(bound)
      await core.createTask(async () => { look(); storage.enterWith(4); look() }, { name: 'second' })
      await new Promise(setImmediate)
      look()
    }
    await core.run(main)
    look()
    console.log(seen.join(' '))
  `)
  expect(output).toBe(
    'Task-1,, Task-1,1, Task-1,,2 child,3,2 second,, second,4, Task-1,, Task-1,, ,,\n',
  )
})

virtual('a task that awaits itself by yield* gets a RuntimeError and can go on', async () => {
  const task: Task = createTask(function* (): CoroutineGenerator<unknown> {
    try {
      yield* task
      return 'never'
    } catch (error) {
      yield* sleep(1)
      return error
    }
  })
  expect(String(await task)).toMatch(/RuntimeError: Task-\d+ cannot await itself/)
})

test('a timer of a task can enter an AsyncLocalStorage after the task has returned, thrown or been cancelled', async () => {
  const { code, output } = await program(`
    import { AsyncLocalStorage } from 'node:async_hooks'
    const storage = new AsyncLocalStorage()
    const seen = []
    for (const end of ['returns', 'throws', 'is cancelled']) {
      const task = core.createTask(async () => {
        setTimeout(() => {
          const look = () => seen.push([end, core.currentTask() === task, storage.getStore()].join(' '))
          storage.run(1, look)
          storage.enterWith(2)
          look()
        }, 10)
        if (end === 'returns') return
        if (end === 'throws') throw new Error('its own')
        await core.sleep(60_000)
      })
      setTimeout(() => task.cancel(), 1)
      await task.catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    console.log(seen.join(', '))
  `)
  expect([code, output]).toEqual([
    0,
    'returns true 1, returns true 2, throws true 1, throws true 2, is cancelled true 1, is cancelled true 2\n',
  ])
})

test('entering an AsyncLocalStorage in an ended task does not mark the error of the task as retrieved', async () => {
  const { output } = await program(`
    import { AsyncLocalStorage } from 'node:async_hooks'
    const storage = new AsyncLocalStorage()
    await core.run(async () => {
      const entered = new core.Future()
      core.createTask(async () => {
        setTimeout(() => {
          storage.run(1, () => console.log('entered'))
          entered.setResult()
        }, 1)
        throw new Error('nobody looks')
      })
      await entered
    })
  `)
  expect(output).toMatch(/entered\n(.|\n)*exception was never retrieved(.|\n)*nobody looks/)
})

virtual(
  'yield* of an ended task gives its value, also in code that the task itself has left running',
  async () => {
    const seen: unknown[] = []
    const task: Task<number> = createTask(async () => {
      const leftOver = async (): Promise<void> => {
        await sleep(5)
        expect(currentTask()).toBe(task)
        await coroutine(function* (): CoroutineGenerator<void> {
          seen.push(yield* task)
        })()
      }
      void leftOver()
      return 7
    })
    expect(await task).toBe(7)
    await sleep(10)
    expect(seen).toEqual([7])
  },
)
