// Whatever code throws, its task ends with it: a value that cannot be looked at must not stop the machinery.
import {
  createTask,
  gather,
  getRunningLoop,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
} from '@tasktree/core'
import { expect, test } from 'vitest'
import { hostile } from '../../../vitest.hostile.ts'
import { thrown } from '../../../vitest.thrown.ts'

/** Whether `promise` rejects with `value`. An async function could not return such a value, because it looks for `then`. */
async function failsWith(value: unknown, promise: PromiseLike<unknown>): Promise<boolean> {
  try {
    await promise
  } catch (error) {
    return Object.is(error, value)
  }
  return false
}

test.for(hostile)('a task that throws %s ends with it', async ([, make]) => {
  await run(async () => {
    const value = make()
    const fail = async (): Promise<never> => {
      await sleep(0)
      throw value
    }
    const task = createTask(fail)
    expect(await failsWith(value, task)).toBe(true)
    expect(Object.is(task.exception(), value)).toBe(true)
    expect(await failsWith(value, shield(createTask(fail)))).toBe(true)
    expect(await failsWith(value, gather([fail(), fail()]))).toBe(true)
    expect(await failsWith(value, timeout(1000, fail))).toBe(true)
    const group = await thrown(
      taskGroup(async (tasks) => {
        tasks.createTask(fail)
      }),
    )
    expect(Object.is((group as AggregateError).errors[0], value)).toBe(true)
  })
})

test.for(hostile)('a cancelled task that throws %s ends with it', async ([, make]) => {
  await run(async () => {
    const value = make()
    const task = createTask(async () => {
      try {
        await sleep(1000)
      } catch {
        throw value
      }
    })
    await sleep(0)
    task.cancel()
    expect(await failsWith(value, task)).toBe(true)
  })
})

test('failures that cannot be looked at are reported, with all others', async () => {
  const seen: unknown[] = []
  const values = [new Error('before'), ...hostile.map(([, make]) => make()), new Error('after')]
  await run(async () => {
    getRunningLoop().setExceptionHandler((_loop, { exception }) => seen.push(exception))
    for (const value of values) {
      createTask(async () => {
        await sleep(0)
        throw value
      })
    }
    await sleep(10)
  })
  expect(seen.length).toBe(values.length)
  expect(values.every((value) => seen.some((each) => Object.is(each, value)))).toBe(true)
})
