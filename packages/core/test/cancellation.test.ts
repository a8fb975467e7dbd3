import { setTimeout as nativeSleep } from 'node:timers/promises'
import {
  CancelledError,
  createTask,
  currentTask,
  ensureFuture,
  Future,
  gather,
  isCancelled,
  run,
  RuntimeError,
  sleep,
  type Task,
  taskSignal,
  wait,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { describe, expect, test } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

/** Runs `body` in a task, cancels the task while it waits, and returns the task and its log. */
async function cancelled(
  body: (log: string[]) => Promise<unknown>,
): Promise<{ log: string[]; task: Task }> {
  const log: string[] = []
  const task = createTask(() => body(log))
  await sleep(1)
  task.cancel()
  await wait([task])
  return { log, task }
}

describe('a cancel reaches', () => {
  test('through nested async functions, whose finally blocks run inside out', () =>
    runVirtual(async () => {
      const inner = async (log: string[]): Promise<void> => {
        try {
          await sleep(1_000)
        } finally {
          log.push('inner')
        }
      }
      const { log, task } = await cancelled(async (log) => {
        try {
          await inner(log)
        } finally {
          log.push('outer')
        }
      })
      expect(log).toEqual(['inner', 'outer'])
      expect(task.cancelled()).toBe(true)
    }))

  test('every branch of a Promise.all', () =>
    runVirtual(async () => {
      const branch = async (name: string, log: string[]): Promise<void> => {
        try {
          await sleep(1_000)
        } finally {
          log.push(name)
        }
      }
      const { log, task } = await cancelled((log) =>
        Promise.all([branch('a', log), branch('b', log)]),
      )
      expect(log).toEqual(['a', 'b'])
      expect(task.cancelled()).toBe(true)
    }))

  test('a for await loop, whose iterator is closed', () =>
    runVirtual(async () => {
      const { log, task } = await cancelled(async (log) => {
        async function* numbers(): AsyncGenerator<number> {
          try {
            for (let i = 0; ; i++) {
              await sleep(1_000)
              yield i
            }
          } finally {
            log.push('closed')
          }
        }
        for await (const _ of numbers()) log.push('never')
      })
      expect(log).toEqual(['closed'])
      expect(task.cancelled()).toBe(true)
    }))

  test('the first library await after a native promise', () =>
    run(async () => {
      const native = Promise.withResolvers<void>()
      const log: string[] = []
      const task = createTask(async () => {
        await native.promise
        log.push('native done')
        await sleep(1_000)
        log.push('never')
      })
      await sleep(0)
      task.cancel()
      await sleep(0)
      expect(log).toEqual([])
      native.resolve()
      await wait([task])
      expect(log).toEqual(['native done'])
      expect(task.cancelled()).toBe(true)
    }))

  test('a body with await using, whose disposal is awaited', () =>
    runVirtual(async () => {
      const { log } = await cancelled(async (log) => {
        await using _ = {
          async [Symbol.asyncDispose]() {
            await sleep(5)
            log.push('disposed')
          },
        }
        await sleep(1_000)
      })
      expect(log).toEqual(['disposed'])
    }))

  test('a child task that the cancelled task awaits, but not another child task', () =>
    runVirtual(async () => {
      let idle: Task | undefined
      const { log } = await cancelled(async (log) => {
        idle = createTask(async () => {
          await sleep(10)
          log.push('idle done')
        })
        await createTask(async () => {
          try {
            await sleep(1_000)
          } finally {
            log.push('child cancelled')
          }
        })
      })
      expect(log).toEqual(['child cancelled'])
      await idle
      expect(log).toEqual(['child cancelled', 'idle done'])
    }))
})

test('a task cancelled before its first step never runs its body', () =>
  runVirtual(async () => {
    let ran = false
    const task = createTask(async () => {
      ran = true
    })
    expect(task.cancel('too early')).toBe(true)
    await wait([task])
    expect(ran).toBe(false)
    expect(task.cancelled()).toBe(true)
    expect(() => task.result()).toThrow('too early')
  }))

test('two cancels of a task before it has resumed throw only one CancelledError', () =>
  runVirtual(async () => {
    let caught = 0
    const task = createTask(async () => {
      for (let i = 0; i < 2; i++) {
        try {
          await sleep(10)
        } catch {
          caught++
        }
      }
      return caught
    })
    await sleep(1)
    task.cancel()
    task.cancel()
    expect(task.cancelling()).toBe(2)
    expect(await task).toBe(1)
  }))

test('a cancel of a task in the turn in which its future has ended is thrown, and the result is lost', () =>
  runVirtual(async () => {
    const future = new Future<string>()
    const task = createTask(async () => future)
    await sleep(0)
    future.setResult('lost')
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(true)
  }))

test('a task that swallows the cancel and calls uncancel() goes on, and cancelling() is 0', () =>
  runVirtual(async () => {
    const task = createTask(async () => {
      try {
        await sleep(1_000)
      } catch {
        currentTask()?.uncancel()
      }
      await sleep(5)
      return currentTask()?.cancelling()
    })
    await sleep(1)
    task.cancel()
    expect(await task).toBe(0)
  }))

test('waits in a clean-up are not ended by the cancel that has begun the clean-up', () =>
  runVirtual(async () => {
    const { log, task } = await cancelled(async (log) => {
      try {
        await sleep(1_000)
      } finally {
        await sleep(5)
        log.push('first')
        await sleep(5)
        log.push('second')
      }
    })
    expect(log).toEqual(['first', 'second'])
    expect(task.cancelled()).toBe(true)
  }))

test('a task that cancels itself is cancelled at its next wait', () =>
  runVirtual(async () => {
    const log: string[] = []
    const task = createTask(async () => {
      currentTask()?.cancel()
      log.push('still running')
      await sleep(0)
      log.push('never')
    })
    await wait([task])
    expect(log).toEqual(['still running'])
    expect(task.cancelled()).toBe(true)
  }))

test('a task that cancels the parent that awaits it is cancelled too', () =>
  runVirtual(async () => {
    const log: string[] = []
    const parent: Task = createTask(async () => {
      const child = createTask(async () => {
        parent.cancel()
        await sleep(1_000)
      })
      try {
        await child
      } finally {
        log.push(`child cancelled: ${child.cancelled()}`)
      }
    })
    await wait([parent])
    expect(log).toEqual(['child cancelled: true'])
    expect(parent.cancelled()).toBe(true)
  }))

test('a task that cancels itself and returns without another wait ends as cancelled', () =>
  runVirtual(async () => {
    const task = createTask(async () => {
      currentTask()?.cancel()
      return 'lost'
    })
    await wait([task])
    expect(task.cancelled()).toBe(true)
  }))

test('an await of a done future does not throw a pending cancel, but the next wait does', () =>
  runVirtual(async () => {
    const done = new Future<number>()
    done.setResult(1)
    const log: string[] = []
    const task = createTask(async () => {
      currentTask()?.cancel()
      await done
      log.push('after done')
      await sleep(1)
      log.push('never')
    })
    await wait([task])
    expect(log).toEqual(['after done'])
  }))

test('no other task runs between two awaits of settled promises', () =>
  runVirtual(async () => {
    const log: string[] = []
    const event = new Future<void>()
    const free = async (): Promise<void> => {}
    const waiter = createTask(async () => {
      await event
      log.push('woken')
    })
    await sleep(0)
    event.setResult()
    await free()
    await Promise.all([free(), free()])
    waiter.cancel()
    await wait([waiter])
    expect(log).toEqual([])
    expect(waiter.cancelled()).toBe(true)
  }))

describe('the task signal', () => {
  test('aborts with the cancel, and the work that the signal has ended is not cancelled again', () =>
    run(async () => {
      const log: string[] = []
      const task = createTask(async () => {
        try {
          await nativeSleep(60_000, undefined, { signal: taskSignal() })
        } finally {
          await sleep(1)
          log.push('whole cleanup')
        }
      })
      await sleep(1)
      task.cancel()
      await wait([task])
      expect(log).toEqual(['whole cleanup'])
      expect(task.cancelled()).toBe(true)
    }))

  test('does not end a native wait by a listener alone, and the next library wait is cancelled', () =>
    run(async () => {
      const log: string[] = []
      const native = Promise.withResolvers<void>()
      const task = createTask(async () => {
        taskSignal().addEventListener('abort', () => log.push('abort'))
        await native.promise
        await sleep(1_000)
        log.push('never')
      })
      await sleep(1)
      task.cancel()
      native.resolve()
      await wait([task])
      expect(log).toEqual(['abort'])
      expect(task.cancelled()).toBe(true)
    }))

  test('is aborted at once when it is made after a cancel', () =>
    runVirtual(async () => {
      const aborted: boolean[] = []
      const task = createTask(async () => {
        currentTask()?.cancel()
        aborted.push(taskSignal().aborted)
      })
      await wait([task])
      expect(aborted).toEqual([true])
      expect(task.cancelled()).toBe(true)
    }))

  test('is replaced by a new signal after uncancel(), which the next cancel aborts', () =>
    runVirtual(async () => {
      const task = createTask(async () => {
        const first = taskSignal()
        try {
          await sleep(1_000)
        } catch {
          expect(first.aborted).toBe(true)
          expect(isCancelled(first.reason)).toBe(true)
          currentTask()?.uncancel()
        }
        expect(taskSignal()).not.toBe(first)
        expect(taskSignal().aborted).toBe(false)
        currentTask()?.cancel()
        expect(taskSignal().aborted).toBe(true)
      })
      await sleep(1)
      task.cancel()
      await wait([task])
      expect(task.cancelled()).toBe(true)
    }))
})

test('a promise that a cancelled task no longer awaits reports its late rejection', () =>
  run(async () => {
    const reports: unknown[] = []
    const native = Promise.withResolvers<void>()
    const task = createTask(async () => {
      await ensureFuture(native.promise)
    })
    task.getLoop().setExceptionHandler((_, context) => reports.push(context.exception))
    await sleep(0)
    task.cancel()
    await wait([task])
    native.reject(new Error('late'))
    await sleep(0)
    expect(reports).toEqual([new Error('late')])
  }))

test('a promise that a cancelled task no longer awaits reports nothing if it rejects with that cancel', () =>
  run(async () => {
    const reports: unknown[] = []
    const ended: unknown[] = []
    const task = createTask(async () => {
      const signal = taskSignal()
      const work = new Promise((_, reject) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is a CancelledError
        signal.addEventListener('abort', () => reject(signal.reason))
      })
      const waiting = nativeSleep(60_000, null, { signal })
      for (const each of [work, waiting]) each.catch((error: unknown) => ended.push(error))
      await Promise.all([ensureFuture(work), ensureFuture(waiting)])
    })
    task.getLoop().setExceptionHandler((_, context) => reports.push(context.exception))
    await sleep(1)
    task.cancel()
    await wait([task])
    while (ended.length < 2) await sleep(1)
    await sleep(1)
    expect(task.cancelled()).toBe(true)
    expect(reports).toEqual([])
  }))

test('a cancelled gather waits for the clean-up of its children, and a gather of a cancelled child fails', () =>
  runVirtual(async () => {
    const log: string[] = []
    const child = (name: string) => async (): Promise<void> => {
      try {
        await sleep(1_000)
      } finally {
        await sleep(3)
        log.push(name)
      }
    }
    const task = createTask(async () => gather([child('a'), child('b')]))
    await sleep(1)
    task.cancel()
    await wait([task])
    expect(log).toEqual(['a', 'b'])
    const one = createTask(child('c'))
    const both = gather([one, sleep(5)])
    await sleep(0)
    one.cancel()
    await expect(both).rejects.toBeInstanceOf(CancelledError)
    expect(both.cancelled()).toBe(false)
  }))

test('leaving the block of an await using with a task cancels the task and waits for its end', () =>
  runVirtual(async () => {
    const log: string[] = []
    {
      await using _ = createTask(async () => {
        try {
          await sleep(1_000)
        } finally {
          await sleep(1)
          log.push('ended')
        }
      })
      await sleep(1)
    }
    expect(log).toEqual(['ended'])
  }))

test('a second cancel during the clean-up of the first ends the task once, with the second message', () =>
  run(async () => {
    const slowEnd = { [Symbol.asyncDispose]: () => sleep(10) as PromiseLike<void> }
    const seen: unknown[] = []
    const task = createTask(async () => {
      try {
        await using _ = slowEnd
        await sleep(Infinity)
      } catch (error) {
        seen.push(isCancelled(error))
        throw error
      }
    })
    await sleep(1)
    task.cancel('first')
    await sleep(1)
    task.cancel('second')
    await wait([task])
    expect(seen).toEqual([true])
    expect(task.cancelled()).toBe(true)
    expect(await task.then(undefined, (error: unknown) => error)).toMatchObject({
      name: 'CancelledError',
      message: 'second',
    })
  }))

test('a task that throws an error in its clean-up after a cancel has failed, and is not cancelled', () =>
  run(async () => {
    const failingEnd = {
      [Symbol.asyncDispose]: async (): Promise<void> => {
        throw new Error('teardown')
      },
    }
    const task = createTask(async () => {
      await using _ = failingEnd
      await sleep(Infinity)
    })
    await sleep(1)
    task.cancel()
    await wait([task])
    expect(task.cancelled()).toBe(false)
    expect(task.exception()).toMatchObject({ error: new Error('teardown') })
  }))

virtual(
  'a task that awaits itself gets a RuntimeError in a later turn, unless it is cancelled before',
  async () => {
    const itself = async (): Promise<void> => {
      await currentTask()
    }
    expect(await thrown(createTask(itself))).toBeInstanceOf(RuntimeError)
    const cancelled = createTask(itself)
    await sleep(0)
    const early = createTask(itself, { eager: true })
    await Promise.resolve()
    await Promise.resolve()
    early.cancel()
    expect(await thrown(cancelled)).toBeInstanceOf(RuntimeError)
    expect(isCancelled(await thrown(early))).toBe(true)
  },
)

const chains: [string, (task: Task) => PromiseLike<unknown>][] = [
  ['catch', (task) => task.catch(() => {})],
  ['finally', (task) => task.finally(() => {})],
  ['then', (task) => task.then(() => {})],
]
for (const [name, chain] of chains) {
  virtual(`a task that awaits its own ${name} gets a RuntimeError`, async () => {
    const task = createTask(async () => chain(currentTask() as Task))
    const other = createTask(async () => await chain(currentTask() as Task))
    await sleep(1)
    expect([task.done(), other.done()]).toEqual([true, true])
    expect(await thrown(task)).toBeInstanceOf(RuntimeError)
    expect(await thrown(other)).toBeInstanceOf(RuntimeError)
  })
}

virtual(
  'a task whose gather is cancelled throws the message of the cancel even if the last child fails',
  async () => {
    const waiter: Task = createTask(async () => gather([child], { returnExceptions: true }))
    const child = createTask(async () => {
      waiter.cancel('of the waiter')
      throw new Error('the cancel came to nothing')
    })
    expect(await thrown(waiter)).toEqual(new CancelledError('of the waiter'))
  },
)

virtual(
  'a cancelled gather rejects with its own message, even if its task is cancelled later',
  async () => {
    let gathering: Future<unknown> | undefined
    const task = createTask(async () => {
      gathering = gather([() => sleep(9)])
      await gathering
    })
    await sleep(0)
    await sleep(0)
    gathering?.cancel('a')
    await sleep(0)
    await sleep(0)
    task.cancel()
    expect(await thrown(task)).toMatchObject({ name: 'CancelledError', message: 'a' })
  },
)

virtual(
  'the stack of a CancelledError names the task that was ended and what it waited for',
  async () => {
    const inner = createTask(async () => sleep(1e9), { name: 'inner' })
    const outer = createTask(async () => inner, { name: 'outer' })
    await sleep(1)
    outer.cancel('enough')
    const error = (await thrown(outer)) as Error
    expect(error.message).toBe('enough')
    expect(error.stack).toBe('CancelledError: enough\n    at inner, which waited for Sleep')
  },
)

test.each([{ eager: true }, { eager: false }])(
  'the body of a task whose signal was aborted before never begins: %o',
  (options) =>
    run(async () => {
      let hasBegun = false
      const task = createTask(
        async () => {
          hasBegun = true
        },
        { ...options, signal: AbortSignal.abort() },
      )
      await expect(task).rejects.toSatisfy(isCancelled)
      expect(hasBegun).toBe(false)
    }),
)

test('createTask with a wrong signal throws before the body of an eager task begins', () =>
  run(async () => {
    let hasBegun = false
    const body = async (): Promise<void> => {
      hasBegun = true
    }
    expect(() => createTask(body, { eager: true, signal: 5 as never })).toThrow(TypeError)
    expect(hasBegun).toBe(false)
  }))
