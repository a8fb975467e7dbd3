import { gather } from '@tasktree/core'
import { describe, expect, test } from 'vitest'
import { kinds, refs, sourceRefs } from './support/kinds.ts'

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test('an error of a job arrives with its class, message, causes and own properties', async () => {
    await using pool = make({ maxWorkers: 1 })
    const error = await pool.submit(refs.failOddly).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({
      name: 'OddError',
      message: 'odd',
      code: 'E_ODD',
      detail: { count: 3 },
    })
    const { cause } = error as Error
    expect(cause).toBeInstanceOf(RangeError)
    expect(cause).toMatchObject({ message: 'deep', cause: 'deeper' })
  })

  test('the stack of an error shows where the job threw it and where the job was submitted', async () => {
    await using pool = make({ maxWorkers: 1 })
    const error = await pool.submit(sourceRefs.failOddly).catch((thrown: unknown) => thrown)
    expect((error as Error).stack).toMatch(
      /failOddly[^]*fixtures.work\.ts[^]*submitted[^]*errors\.test\.ts/,
    )
  })

  test.for([{}, { chunksize: 3 }, { ordered: false }])(
    'the stack of an error from map shows where map was called: options %o',
    async (options) => {
      await using pool = make({ maxWorkers: 1 })
      const results = pool.map(refs.failOnOdd, [2, 4, 1], options)
      const read = async (): Promise<void> => {
        for await (const result of results) expect(result).toBeGreaterThan(1)
      }
      const error = (await read().catch((thrown: unknown) => thrown)) as Error
      expect(error.message).toBe('odd 1')
      expect(error.stack).toMatch(/failOnOdd[^]*--- submitted ---[^]*errors\.test\.ts:\d+/)
    },
  )

  test('the stack of the first error after a map of a thousand jobs shows the earlier call of map', async () => {
    await using pool = make({ maxWorkers: 1 })
    for await (const _ of pool.map(
      refs.failOnOdd,
      Array.from({ length: 1_000 }, () => 2),
    ));
    const error = (await pool.submit(refs.failOnOdd, 1).catch((thrown: unknown) => thrown)) as Error
    expect(error.stack).toMatch(/submitted[^]*of an earlier job[^]*errors\.test\.ts/)
  })

  test('an AggregateError of a job arrives with its errors', async () => {
    await using pool = make({ maxWorkers: 1 })
    const error = await pool.submit(refs.failTogether).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AggregateError)
    expect((error as AggregateError).errors).toEqual([new SyntaxError('one'), 'two'])
  })

  test('a value that is not an error arrives as the job has thrown it', async () => {
    await using pool = make({ maxWorkers: 1 })
    for (const value of ['text', 7, { plain: true }]) {
      await expect(pool.submit(refs.throwValue, value)).rejects.toEqual(value)
    }
  })

  test('an error with a property that cannot be cloned, and with itself as cause, arrives', async () => {
    await using pool = make({ maxWorkers: 1 })
    const failure = pool.submit(() => {
      const error = new RangeError('circular')
      throw Object.assign(error, { cause: error, handler: () => 1 })
    })
    const error = (await failure.catch((thrown: unknown) => thrown)) as Error
    expect(error.cause).toBe(error)
    expect(error).toHaveProperty('handler', '() => 1')
  })

  test('the stack of the first error after a thousand jobs shows an earlier submit, that of the second its own', async () => {
    await using pool = make({ maxWorkers: 1 })
    const odd = (n: number): Promise<unknown> =>
      pool.submit(refs.failOnOdd, n).catch((thrown: unknown) => thrown)
    await gather(Array.from({ length: 1_000 }, () => pool.submit(refs.failOnOdd, 2)))
    const first = (await odd(1)) as Error
    expect(first.stack).toMatch(/submitted[^]*of an earlier job[^]*errors\.test\.ts/)
    const second = (await odd(1)) as Error
    expect(second.stack).toMatch(/submitted[^]*errors\.test\.ts/)
    expect(second.stack).not.toContain('of an earlier job')
  })
})
