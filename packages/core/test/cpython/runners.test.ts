import {
  ContextVar,
  createTask,
  currentTask,
  type ExceptionContext,
  Future,
  getRunningLoop,
  newEventLoop,
  run,
  Runner,
  RuntimeError,
  sleep,
} from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { thrown } from '../support/virtual.ts'

// Behaviours of Lib/test/test_asyncio/test_runners.py (CPython 3.13); the name of each case there
// stands above its test. Signals are tested in ../run.test.ts, by programs of their own.

describe('run', () => {
  // test_asyncio_run_return
  test('resolves with the value that main returns', async () => {
    const main = async (): Promise<number> => {
      await sleep(0)
      return 42
    }
    expect(await run(main)).toBe(42)
  })

  // test_asyncio_run_raises
  test('rejects with the error that main throws', async () => {
    const main = async (): Promise<never> => {
      await sleep(0)
      throw new RangeError('spam')
    }
    await expect(run(main)).rejects.toThrow('spam')
  })

  // test_asyncio_run_only_coro
  test.each([1, 'x', null, undefined, {}, Promise.resolve()])('refuses %s as main', (main) => {
    expect(() => run(main as never)).toThrow(TypeError)
    expect(() => run(main as never)).toThrow('run takes a function or a Coroutine, got ')
  })

  // test_asyncio_run_debug
  test('turns debug mode on or off by its debug option', async () => {
    for (const debug of [true, false]) {
      expect(await run(async () => getRunningLoop().getDebug(), { debug })).toBe(debug)
    }
    expect(await run(async () => getRunningLoop().getDebug())).toBe(false)
  })

  // test_asyncio_run_from_running_loop
  test('rejects with a RuntimeError in a running loop', async () => {
    const error = await run(async () => thrown(run(async () => {})))
    expect(error).toBeInstanceOf(RuntimeError)
    expect(String(error)).toContain('cannot be called from a running event loop')
  })

  // test_asyncio_run_cancels_hanging_tasks
  test('cancels the tasks that main has left running', async () => {
    const left = await run(async () => {
      const task = createTask(() => sleep(1_000_000))
      return [task]
    })
    expect(left[0]?.cancelled()).toBe(true)
  })

  // test_asyncio_run_reports_hanging_tasks_errors
  test('reports the errors that cancelled tasks throw in their clean-up, with the task', async () => {
    const contexts: ExceptionContext[] = []
    const left = await run(async () => {
      getRunningLoop().setExceptionHandler((_, context) => contexts.push(context))
      const task = createTask(async () => {
        try {
          await sleep(1_000_000)
        } catch {
          throw new RangeError('in cleanup')
        }
      })
      await sleep(0)
      return [task]
    })
    expect(contexts.map((context) => String(context.exception))).toEqual(['RangeError: in cleanup'])
    expect(contexts[0]?.task).toBe(left[0])
  })

  // test_asyncio_run_without_uncancel
  test('rejects with a CancelledError if main cancels itself', async () => {
    const main = async (): Promise<void> => {
      currentTask()?.cancel()
      await sleep(0)
    }
    await expect(run(main)).rejects.toMatchObject({ name: 'CancelledError' })
  })

  // test_asyncio_run_loop_factory
  test('runs main on the loop of its loop option', async () => {
    const loop = newEventLoop()
    expect(await run(async () => getRunningLoop() === loop, { loop })).toBe(true)
    loop.close()
  })
})

describe('a runner', () => {
  // test_non_debug, test_debug
  test('turns the debug mode of its loop on or off by its debug option', async () => {
    await using plain = new Runner({ debug: false })
    expect(plain.getLoop().getDebug()).toBe(false)
    await using debugging = new Runner({ debug: true })
    expect(debugging.getLoop().getDebug()).toBe(true)
  })

  // test_custom_factory
  test('uses the loop of its loop option', async () => {
    const loop = newEventLoop()
    await using runner = new Runner({ loop })
    expect(runner.getLoop()).toBe(loop)
  })

  // test_run, test_explicit_close, test_double_close
  test('runs main, and closes its loop in close(), which can be called twice', async () => {
    const runner = new Runner()
    const loop = runner.getLoop()
    expect(await runner.run(async () => sleep(0, 'done'))).toBe('done')
    await runner.close()
    await runner.close()
    expect(loop.isClosed()).toBe(true)
    expect(() => runner.getLoop()).toThrow('closed')
  })

  // test_run_non_coro, test_run_future
  test('refuses an argument that is not a main function', async () => {
    await using runner = new Runner()
    expect(() => runner.run(123 as never)).toThrow(
      new TypeError('Runner.run takes a function or a Coroutine, got number 123'),
    )
    expect(() => runner.run(new Future() as never)).toThrow('got an object of class Future')
  })

  // test_second_with_block_raises
  test('rejects a main after it is closed', async () => {
    const runner = new Runner()
    await runner.close()
    await expect(runner.run(async () => {})).rejects.toThrow('closed')
  })

  // test_run_keeps_context
  test('keeps the context variables that one main has set for the next main', async () => {
    const variable = new ContextVar('variable', { default: -1 })
    const set = (value: number) => async (): Promise<number> => {
      const before = variable.get()
      variable.set(value)
      return before
    }
    await using runner = new Runner()
    expect(await runner.run(set(1))).toBe(-1)
    expect(await runner.run(set(2))).toBe(1)
    expect(variable.get()).toBe(-1)
  })

  // test_recursive_run
  test('rejects a second main inside its own main', async () => {
    await using runner = new Runner()
    const error = await runner.run(async () => thrown(runner.run(async () => {})))
    expect(String(error)).toContain('cannot be called from a running event loop')
  })
})

describe('a loop', () => {
  test('runUntilComplete gives the outcome of the awaitable, and rejects when the loop is closed', async () => {
    const loop = newEventLoop()
    expect(await loop.runUntilComplete(async () => 'hello')).toBe('hello')
    expect(await loop.runUntilComplete(sleep(1, 'x'))).toBe('x')
    await expect(
      loop.runUntilComplete(async () => Promise.reject(new Error('boom'))),
    ).rejects.toThrow('boom')
    loop.close()
    await expect(loop.runUntilComplete(async () => {})).rejects.toBeInstanceOf(RuntimeError)
  })

  test('throws when it is run while it runs, closed while it runs, or used when it is closed', async () => {
    const loop = newEventLoop()
    const running = loop.runForever()
    expect(loop.isRunning()).toBe(true)
    await expect(loop.runUntilComplete(async () => {})).rejects.toThrow('already running')
    expect(() => loop.close()).toThrow(RuntimeError)
    loop.stop()
    await running
    expect(loop.isRunning()).toBe(false)
    loop.close()
    loop.close()
    expect(() => loop.callSoon(() => {})).toThrow('closed')
    expect(() => loop.callLater(1, () => {})).toThrow('closed')
    expect(() => loop.createTask(async () => {})).toThrow('closed')
  })

  test('stopped before its awaitable has ended makes runUntilComplete reject with a RuntimeError', async () => {
    const loop = newEventLoop()
    const future = new Future<void>({ loop })
    loop.callSoon(() => loop.stop())
    await expect(loop.runUntilComplete(future)).rejects.toThrow('stopped before')
    loop.close()
  })

  test('calls timers in the order of their times, and no cancelled timers', async () => {
    const loop = newEventLoop()
    const log: string[] = []
    const start = loop.time()
    loop.callLater(20, () => log.push('20'))
    loop.callLater(5, () => log.push('5'))
    const handle = loop.callLater(1, () => log.push('never'))
    expect(handle.when()).toBeGreaterThan(start)
    handle.cancel()
    expect(handle.cancelled()).toBe(true)
    loop.callSoon(() => log.push('soon'))
    loop.callSoon(() => log.push('never')).cancel()
    await loop.runUntilComplete(async () => sleep(40))
    expect(log).toEqual(['soon', '5', '20'])
    loop.close()
  })
})
