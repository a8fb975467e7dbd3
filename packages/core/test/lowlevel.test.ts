import { createTask, Future, getRunningLoop, InvalidStateError, sleep, wait } from '@tasktree/core'
import {
  cancelOnAbort,
  Claim,
  completed,
  hasFailed,
  observe,
  startAtCaller,
} from '@tasktree/core/lowlevel'
import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { thrown, virtual } from './support/virtual.ts'

/** A primitive that one task at a time holds, and that is handed from waiter to waiter. It is the smallest use of Claim. */
class Token {
  holders = 0
  readonly #waiters: Waiter[] = []

  take(): Waiter {
    const waiter = new Waiter(this)
    this.#waiters.push(waiter)
    return waiter
  }

  give(): void {
    while (this.#waiters.length > 0 && this.#waiters.shift()?.wake() !== true);
  }
}

class Waiter extends Claim<string> {
  readonly #token: Token
  constructor(token: Token) {
    super()
    this.#token = token
  }

  protected override claim(): void {
    this.#token.holders++
    this.setResult('taken')
  }

  protected override decline(): void {
    this.#token.give()
  }
}

describe('a Claim', () => {
  virtual('is claimed in the turn of its waiter, not at the wake-up', async () => {
    const token = new Token()
    const waiter = token.take()
    const task = createTask(async () => waiter)
    await sleep(0)
    token.give()
    expect([token.holders, waiter.isWoken(), waiter.done()]).toEqual([0, true, false])
    expect(waiter.wake()).toBe(false)
    expect(await task).toBe('taken')
    expect(token.holders).toBe(1)
  })

  virtual(
    'whose task is cancelled in the turn of the wake-up passes its token to the next waiter',
    async () => {
      const token = new Token()
      const tasks = [0, 1].map(() => createTask(async () => token.take()))
      await sleep(0)
      token.give()
      tasks[0]?.cancel()
      await wait(tasks)
      expect(tasks.map((task) => task.cancelled())).toEqual([true, false])
      expect(token.holders).toBe(1)
    },
  )

  virtual(
    'is claimed if the code of the cancelled task has seen the cancel by its signal',
    async () => {
      const token = new Token()
      const task = createTask(async () => token.take())
      await sleep(0)
      const { signal } = task
      token.give()
      task.cancel()
      expect(signal.aborted).toBe(true)
      expect(await task).toBe('taken')
      expect(token.holders).toBe(1)
    },
  )

  virtual(
    'that is cancelled itself after the wake-up passes its token to the next waiter',
    async () => {
      const token = new Token()
      const [first, second] = [token.take(), token.take()]
      token.give()
      expect(first.cancel()).toBe(true)
      expect(await second).toBe('taken')
      expect(token.holders).toBe(1)
    },
  )

  test('can be awaited twice in plain code, and is claimed once', async () => {
    const token = new Token()
    const waiter = token.take()
    const both = Promise.all([waiter, waiter])
    await Promise.resolve()
    token.give()
    expect(await both).toEqual(['taken', 'taken'])
    expect(token.holders).toBe(1)
  })
})

describe('cancelOnAbort', () => {
  test('cancels the future when the signal aborts, with the reason of the signal as the cause', async () => {
    const controller = new AbortController()
    const future = cancelOnAbort(new Future(), controller.signal)
    controller.abort(new Error('why'))
    expect(await thrown(future)).toMatchObject({ name: 'CancelledError', cause: new Error('why') })
  })

  test('cancels at once when the signal is aborted already', () => {
    expect(cancelOnAbort(new Future(), AbortSignal.abort()).cancelled()).toBe(true)
  })

  test('adds one listener to a signal, however many futures the signal cancels', () => {
    const controller = new AbortController()
    const { signal } = controller
    const add = vi.spyOn(signal, 'addEventListener')
    const remove = vi.spyOn(signal, 'removeEventListener')
    const futures = Array.from({ length: 100 }, () => cancelOnAbort(new Future(), signal))
    for (const future of futures.slice(50).toReversed()) future.cancel()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    controller.abort()
    expect(futures.every((future) => future.cancelled())).toBe(true)
    expect(add).toHaveBeenCalledTimes(1)
    expect(remove).not.toHaveBeenCalled()
  })

  test('does not cancel a future that is ended by the cancel of another future', () => {
    const controller = new AbortController()
    const second = new Future()
    const first = cancelOnAbort(
      new (class extends Future<unknown> {
        override cancel(): boolean {
          second.setResult('ended')
          return super.cancel()
        }
      })(),
      controller.signal,
    )
    cancelOnAbort(second, controller.signal)
    controller.abort()
    expect(first.cancelled()).toBe(true)
    expect(second.result()).toBe('ended')
  })

  test('removes its listener from the signal when the future ends', async () => {
    const { signal } = new AbortController()
    for (const end of [(f: Future<number>) => f.setResult(1), (f: Future<number>) => f.cancel()]) {
      const future = cancelOnAbort(new Future<number>(), signal)
      expect(getEventListeners(signal, 'abort')).toHaveLength(1)
      end(future)
      await new Promise((resolve) => setImmediate(resolve))
      expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    }
  })

  test('cancels the other futures although the `cancel` of one throws', async () => {
    class Faulty extends Future<void> {
      override cancel(): boolean {
        throw new Error('faulty')
      }
    }
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => void uncaught.push(error))
    try {
      const controller = new AbortController()
      cancelOnAbort(new Faulty(), controller.signal)
      const other = cancelOnAbort(new Future(), controller.signal)
      controller.abort()
      expect(other.cancelled()).toBe(true)
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    expect(uncaught).toEqual([new Error('faulty')])
  })

  test('refuses a signal that is not an AbortSignal', () => {
    expect(() => cancelOnAbort(new Future(), 5 as never)).toThrow(TypeError)
  })
})

virtual(
  'an error that a callback of observe throws is reported, and the loop goes on',
  async () => {
    const reports: unknown[] = []
    const future = new Future<void>()
    future.getLoop().setExceptionHandler((_, context) => reports.push(context.exception))
    observe(future, () => {
      throw new Error('in observer')
    })
    future.setResult()
    await sleep(1)
    expect(reports).toEqual([new Error('in observer')])
  },
)

virtual(
  'observe calls back in the turn after the end of the future, unless it was undone',
  async () => {
    const log: string[] = []
    const future = new Future<void>()
    observe(future, () => log.push('observed'))
    observe(future, () => log.push('never'))()
    future.setResult()
    expect(log).toEqual([])
    await sleep(0)
    expect(log).toEqual(['observed'])
  },
)

virtual(
  'hasFailed is true for a failed future, and false for a pending, finished or cancelled one',
  async () => {
    const failed = new Future<void>()
    expect(hasFailed(failed)).toBe(false)
    failed.setException(new Error('unseen'))
    expect(hasFailed(failed)).toBe(true)
    expect(failed.exception()).toEqual(new Error('unseen'))
    expect(hasFailed(failed)).toBe(true)
    const fine = new Future<void>()
    fine.setResult()
    const cancelled = new Future<void>()
    cancelled.cancel()
    expect([fine, cancelled].map((future) => hasFailed(future))).toEqual([false, false])
  },
)

virtual('completed() gives a future that is done and belongs to the running loop', async () => {
  const future = completed('result')
  expect([future.done(), future.result(), future.exception()]).toEqual([true, 'result', null])
  expect(future.cancel()).toBe(false)
  expect(future.getLoop()).toBe(getRunningLoop())
  const log: unknown[] = []
  completed().addDoneCallback((done) =>
    log.push(done.result(), done.getLoop() === getRunningLoop()),
  )
  expect(log).toEqual([])
  await sleep(0)
  expect(log).toEqual([undefined, true])
  expect(await completed(2)).toBe(2)
  expect(() => future.setResult('another')).toThrow(InvalidStateError)
})

describe('startAtCaller', () => {
  const kinds = [
    ['an address', 'file:///home/a%20b/node_modules/lib/dist/index.js'],
    ['a path', '/home/a b/node_modules/lib/dist/index.js'],
  ] as const
  test.each(kinds)(
    'removes the frames of a library in a folder with a space, whose module has %s',
    (_, url) => {
      for (const frame of [
        'file:///home/a%20b/node_modules/lib/dist/chunk.js',
        '/home/a b/node_modules/lib/dist/chunk.js',
      ]) {
        const error = new Error('late')
        error.stack = `Error: late\n    at get (${frame}:1:2)\n    at main (/home/a b/main.js:3:4)`
        startAtCaller(error, url)
        expect(error.stack).toBe('Error: late\n    at main (/home/a b/main.js:3:4)')
      }
    },
  )

  test('keeps the frames of a program in a folder named `src`', () => {
    const error = new Error('late')
    error.stack =
      'Error: late\n    at get (/usr/src/app/node_modules/lib/dist/a.js:1:2)\n    at main (/usr/src/app/main.js:3:4)'
    startAtCaller(error, 'file:///usr/src/app/node_modules/lib/dist/index.js')
    expect(error.stack).toBe('Error: late\n    at main (/usr/src/app/main.js:3:4)')
  })

  test('removes the frames of a library in a folder with a percent sign that escapes nothing', () => {
    const error = new Error('late')
    error.stack =
      'Error: late\n    at get (/home/50%/lib/src/a.js:1:2)\n    at main (/home/main.js:3:4)'
    startAtCaller(error, '/home/50%/lib/src/index.js')
    expect(error.stack).toBe('Error: late\n    at main (/home/main.js:3:4)')
  })
})
