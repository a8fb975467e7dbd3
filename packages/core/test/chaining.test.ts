import {
  createTask,
  Future,
  gather,
  getRunningLoop,
  isCancelled,
  sleep,
  type Task,
  wait,
} from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

/** Two functions without names. `then` cannot distinguish them from the functions that an `await` passes. */
const nameless = (): [(value: number) => string, (error: unknown) => string] => [
  (value) => `value ${value}`,
  (error) => `error ${isCancelled(error) ? 'cancelled' : String(error)}`,
]

describe('two nameless functions passed to then, in a task', () => {
  const moments = ['before the end', 'before their turn', 'long after'] as const
  const waits = ['the only wait', 'one of several'] as const
  const ends = {
    'value 1': (future: Future<number>): void => future.setResult(1),
    'error Error: x': (future: Future<number>): void => future.setException(new Error('x')),
    'error cancelled': (future: Future<number>): unknown => future.cancel(),
  }

  for (const when of moments) {
    for (const which of waits) {
      for (const [outcome, end] of Object.entries(ends)) {
        virtual(`give ${outcome} to a chain that is added ${when}, as ${which}`, async () => {
          const task = createTask(async () => {
            const other = new Future<number>()
            if (which === 'one of several') void other.then(...nameless())
            const future = new Future<number>()
            const derived = future.then(...nameless())
            const chained: Promise<unknown>[] = []
            const chain = (moment: string): void => {
              if (moment === when) chained.push(derived.then((text) => text))
            }
            const ended = Promise.withResolvers<void>()
            getRunningLoop().callLater(1, () => {
              chain('before the end')
              end(future)
              chain('before their turn')
              ended.resolve()
            })
            await ended.promise
            await sleep(1)
            chain('long after')
            other.cancel()
            return [await chained[0], await derived]
          })
          expect(await task).toEqual([outcome, outcome])
        })
      }
    }
  }

  virtual('reject each chained promise with the error that they throw', async () => {
    await createTask(async () => {
      const future = new Future<number>()
      let derived: Promise<unknown>
      let inside: unknown
      // oxlint-disable-next-line eslint/prefer-const -- the function below refers to this variable
      derived = future.then(
        () => {
          inside = derived.then(
            () => 'value',
            (error: unknown) => String(error),
          )
          throw new Error('thrown')
        },
        () => {},
      )
      future.setResult(1)
      expect(String(await thrown(derived))).toBe('Error: thrown')
      expect(await inside).toBe('Error: thrown')
      expect(String(await derived.catch(String))).toBe('Error: thrown')
    })
  })

  virtual('can be shared by several tasks, each of which gets its own result', async () => {
    const future = new Future<number>()
    let calls = 0
    const functions = [(value: number) => value + ++calls, () => -1] as const
    const tasks = [1, 2, 3].map(() =>
      createTask(async () => {
        const derived = future.then(...functions)
        await sleep(5)
        return derived.then((sum) => sum)
      }),
    )
    await sleep(1)
    future.setResult(1)
    expect(await gather(tasks)).toEqual([2, 3, 4])
  })

  virtual('that return nothing give undefined to the chain', async () => {
    await createTask(async () => {
      const future = new Future<number>()
      const derived = future.then(
        () => {},
        () => {},
      )
      future.setResult(1)
      await sleep(1)
      expect(await derived.then((value: unknown) => [value])).toEqual([undefined])
    })
  })

  for (const look of [true, false]) {
    for (const which of waits) {
      virtual(
        `are not a wait of the task: its cancel leaves the future pending, as ${which}, waitingOn ${look ? 'read' : 'not read'}`,
        async () => {
          const future = new Future<number>()
          const parked = new Future<void>()
          const native = Promise.withResolvers<void>()
          let derived: PromiseLike<string> | null = null
          const task = createTask(async () => {
            if (which === 'one of several') {
              await Promise.all([parked, (derived = future.then(...nameless()))])
            } else {
              derived = future.then(...nameless())
              await native.promise
            }
          })
          await sleep(1)
          const real = which === 'one of several' ? [parked] : []
          if (look) expect(task.waitingOn).toEqual(new Set(real))
          task.cancel()
          expect([future.done(), parked.done()]).toEqual([false, real.length > 0])
          await sleep(1)
          expect(task.done()).toBe(real.length > 0)
          future.setResult(1)
          expect(await (derived as unknown as PromiseLike<string>)).toBe('value 1')
          native.resolve()
          await wait([task])
        },
      )
    }
  }

  virtual('do not throw a pending cancel, which the next await throws', async () => {
    const future = new Future<number>()
    const log: unknown[] = []
    const task: Task<void> = createTask(async () => {
      task.cancel()
      const derived = future.then(...nameless())
      log.push(future.done())
      future.setResult(1)
      log.push(await Promise.resolve(derived))
      try {
        await sleep(1_000)
      } catch (error) {
        log.push(isCancelled(error))
      }
    })
    await task
    expect(log).toEqual([false, 'value 1', true])
  })
})

describe('the resolve and reject of a promise, passed to then', () => {
  for (const done of [true, false]) {
    for (const inTask of [true, false]) {
      test(`settle the promise and give a chain of undefined, ${inTask ? 'in a task' : 'in plain code'}, future ${done ? 'done' : 'pending'}`, async () => {
        const check = async (): Promise<void> => {
          const future = new Future<number>()
          if (done) future.setResult(1)
          const { promise, resolve, reject } = Promise.withResolvers<number>()
          const derived = future.then(resolve, reject)
          const log: string[] = []
          const ended = derived.finally(() => log.push('finally')).then((value) => [value])
          if (!done) future.setResult(1)
          expect(await promise).toBe(1)
          expect(await ended).toEqual([undefined])
          expect(log).toEqual(['finally'])
        }
        await (inTask ? createTask(check) : check())
      })
    }
  }

  test('of two promises settle the first with the result and the second with the error', async () => {
    const results = Promise.withResolvers<number>()
    const errors = Promise.withResolvers<unknown>()
    await createTask(async () => {
      const failing = new Future<number>()
      void failing.then(results.resolve, errors.resolve)
      failing.setException(new Error('x'))
      const fulfilled = new Future<number>()
      void fulfilled.then(results.resolve, errors.resolve)
      fulfilled.setResult(2)
    })
    expect(await results.promise).toBe(2)
    expect(String(await errors.promise)).toBe('Error: x')
  })
})

describe('a plain function passed to then beside the resolve or reject of a promise', () => {
  for (const done of [true, false]) {
    for (const inTask of [true, false]) {
      const end = (future: Future<number>, at: boolean): void => {
        if (at === done) future.setResult(1)
      }
      test(`is called in a later turn, and its value is chained, ${inTask ? 'in a task' : 'in plain code'}, future ${done ? 'done' : 'pending'}`, async () => {
        const check = async (): Promise<void> => {
          const { resolve, reject } = Promise.withResolvers<unknown>()
          const future = new Future<number>()
          end(future, true)
          const log: string[] = []
          const passed = future.then(undefined, reject)
          const derived = future.then((value) => {
            log.push('called')
            return value + 1
          }, reject)
          const failed = future.then(() => {
            throw new Error('thrown')
          }, reject)
          const unused = future.then(resolve, () => log.push('never'))
          log.push('after then')
          end(future, false)
          expect(await passed).toBe(1)
          expect(await derived).toBe(2)
          expect(String(await thrown(failed))).toBe('Error: thrown')
          expect(await unused).toBeUndefined()
          expect(log).toEqual(['after then', 'called'])
        }
        await (inTask ? createTask(check) : check())
      })
    }
  }
})
