import {
  Context,
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  LookupError,
  run,
  RuntimeError,
  sleep,
} from '@tasktree/core'
import { expect, test } from 'vitest'

// Behaviours of Lib/test/test_context.py (CPython 3.13), and of contexts in asyncio; the name of each
// case there stands above its test.

// test_context_var_new_1
test('a ContextVar has a name, which must be a string', () => {
  expect(new ContextVar('aaa').name).toBe('aaa')
  expect(() => new ContextVar(1 as never)).toThrow(TypeError)
})

// test_context_get_context_1
test('copyContext returns a Context', () => {
  expect(copyContext()).toBeInstanceOf(Context)
})

// test_context_run_1
test('Context.run returns what the function returns', () => {
  expect(new Context().run(() => 42)).toBe(42)
})

// test_context_run_2
test('Context.run throws what the function throws, and leaves the context', () => {
  const context = new Context()
  const fail = (): never => {
    throw new Error('inside')
  }
  expect(() => context.run(fail)).toThrow('inside')
  expect(() => context.run(fail)).toThrow('inside')
})

// test_context_run_3
test('Context.run keeps the values that the function has set, even if the function throws', () => {
  const variable = new ContextVar('variable', { default: 0 })
  const context = new Context()
  const fail = (): never => {
    variable.set(42)
    throw new Error('inside')
  }
  expect(() => context.run(fail)).toThrow('inside')
  expect(context.get(variable)).toBe(42)
  expect(variable.get()).toBe(0)
})

// test_context_run_4
test('nested runs of two contexts do not see the values of each other', () => {
  const variable = new ContextVar('variable', { default: 1 })
  const outer = new Context()
  const inner = new Context()
  outer.run(() => {
    variable.set(2)
    inner.run(() => {
      expect(variable.get()).toBe(1)
      variable.set(3)
    })
    expect(variable.get()).toBe(2)
  })
  expect(variable.get()).toBe(1)
  expect(inner.get(variable)).toBe(3)
})

// test_context_run_5
test('a change in a copy of a context leaves the original as it was', () => {
  const variable = new ContextVar('variable', { default: 'default' })
  const original = new Context()
  original.run(() => variable.set('original'))
  const copy = original.run(() => copyContext())
  copy.run(() => variable.set('copy'))
  expect(original.get(variable)).toBe('original')
  original.run(() => variable.set('changed'))
  expect(copy.get(variable)).toBe('copy')
})

// test_context_run_7
test('Context.run throws RuntimeError in a context that is entered already', () => {
  const context = new Context()
  context.run(() => {
    expect(() => context.run(() => {})).toThrow(RuntimeError)
  })
})

// test_context_getset_1
test('ContextVar.get gives the value, else the fallback, else the default, else throws LookupError', () => {
  const bare = new ContextVar<number>('bare')
  const withDefault = new ContextVar('withDefault', { default: 5 })
  new Context().run(() => {
    expect(() => bare.get()).toThrow(LookupError)
    expect(bare.get(null)).toBeNull()
    expect(withDefault.get()).toBe(5)
    expect(withDefault.get(6)).toBe(6)
    const first = bare.set(10)
    expect(bare.get(null)).toBe(10)
    const second = bare.set(20)
    bare.reset(second)
    expect(bare.get()).toBe(10)
    bare.reset(first)
    expect(bare.get(null)).toBeNull()
    expect(first.oldValue).toBeUndefined()
    expect(second.oldValue).toBe(10)
  })
})

test('a ContextVar can be set to undefined', () => {
  const variable = new ContextVar<number | undefined>('variable', { default: 1 })
  new Context().run(() => {
    variable.set(undefined)
    expect(variable.get()).toBeUndefined()
  })
})

// test_context_getset_2
test('ContextVar.reset refuses the token of another variable', () => {
  const one = new ContextVar<number>('one')
  const two = new ContextVar<number>('two')
  new Context().run(() => {
    const token = one.set(1)
    expect(() => two.reset(token)).toThrow(RangeError)
  })
})

// test_context_getset_3
test('keys, has and get of a Context tell which variables are set in it', () => {
  const variable = new ContextVar<number>('variable', { default: 42 })
  const context = new Context()
  context.run(() => {
    expect(context.has(variable)).toBe(false)
    expect(context.get(variable)).toBeUndefined()
    const token = variable.set(1)
    expect([...context.keys()]).toEqual([variable])
    expect(context.has(variable)).toBe(true)
    variable.reset(token)
    expect(context.has(variable)).toBe(false)
  })
})

// test_context_getset_4
test('ContextVar.reset refuses a token of another context', () => {
  const variable = new ContextVar<number>('variable')
  const token = new Context().run(() => variable.set(1))
  expect(() => new Context().run(() => variable.reset(token))).toThrow(RangeError)
})

// test_context_getset_5
test('ContextVar.reset refuses a token that was used before', () => {
  const variable = new ContextVar<number[]>('variable', { default: [] })
  new Context().run(() => {
    const token = variable.set([])
    variable.reset(token)
    expect(() => variable.reset(token)).toThrow(RuntimeError)
  })
})

// test_context_copy_1
test('copyContext copies the values of the time of the call', () => {
  const variable = new ContextVar<number>('variable')
  const seen = new Context().run(() => {
    variable.set(1)
    const copy = copyContext()
    variable.set(2)
    return copy.get(variable)
  })
  expect(seen).toBe(1)
})

// test_context_threads_1, for tasks
test('each task has its own ContextVar values, which its awaits keep and its creator does not see', () =>
  run(async () => {
    const variable = new ContextVar('variable', { default: 0 })
    const seen = async (value: number): Promise<number[]> => {
      variable.set(value)
      const values: number[] = []
      for (let i = 0; i < 3; i++) {
        await sleep(0)
        await Promise.resolve()
        values.push(variable.get())
      }
      return values
    }
    const tasks = [1, 2, 3].map((value) => createTask(() => seen(value)))
    for (const [i, task] of tasks.entries()) {
      expect(await task).toEqual([i + 1, i + 1, i + 1])
    }
    expect(variable.get()).toBe(0)
  }))

test('a ContextVar that an async function sets is seen by the code that awaits the function', () =>
  run(async () => {
    const variable = new ContextVar('variable', { default: 0 })
    const set = async (): Promise<void> => {
      await sleep(0)
      variable.set(1)
    }
    await set()
    expect(variable.get()).toBe(1)
  }))

test('a task sees the ContextVar values of the time of its creation', () =>
  run(async () => {
    const variable = new ContextVar('variable', { default: 0 })
    variable.set(1)
    const task = createTask(async () => variable.get())
    variable.set(2)
    expect(await task).toBe(1)
  }))

test('callbacks run in a copy of the context of the code that added them, or in the context option', () =>
  run(async () => {
    const variable = new ContextVar('variable', { default: 'default' })
    const loop = getRunningLoop()
    const given = new Context()
    given.run(() => variable.set('given'))
    variable.set('creator')
    const future = new Future<void>()
    const seen: string[] = []
    future.addDoneCallback(() => seen.push(`callback ${variable.get()}`))
    future.addDoneCallback(() => seen.push(`callback ${variable.get()}`), { context: given })
    loop.callSoon(() => {
      seen.push(`soon ${variable.get()}`)
      variable.set('changed in the callback')
    })
    loop.callSoon(() => seen.push(`soon ${variable.get()}`), { context: given })
    loop.callLater(0, () => seen.push(`later ${variable.get()}`))
    variable.set('creator, later')
    future.setResult()
    await sleep(5)
    expect(seen.toSorted()).toEqual([
      'callback creator',
      'callback given',
      'later creator',
      'soon creator',
      'soon given',
    ])
    expect(variable.get()).toBe('creator, later')
  }))

test('an async function started by Context.run stays in this context and in the same task', () =>
  run(async () => {
    const variable = new ContextVar('variable', { default: 0 })
    const context = copyContext()
    const seen = await context.run(async () => {
      variable.set(1)
      await sleep(0)
      return [variable.get(), currentTask()?.name]
    })
    expect(seen).toEqual([1, currentTask()?.name])
    expect(variable.get()).toBe(0)
  }))
