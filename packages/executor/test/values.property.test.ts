// Sends arbitrary values through one long-lived pool of each kind, as an argument, a result, an error and a yielded value.
import { TimeoutError, waitFor } from '@tasktree/core'
import { type JobRefs, JobSerializationError, jobs } from '@tasktree/executor'
import * as fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import type * as recipes from './fixtures/recipes.ts'
import { cook, type Recipe, singles } from './fixtures/recipes.ts'
import { bundled } from './support/bundled.ts'
import { kinds, refs } from './support/kinds.ts'

const ways: JobRefs<typeof recipes> = jobs<typeof recipes>(bundled('recipes.js'))
/** The number of values. EXECUTOR_TEST_VALUES=3000 makes a long search. */
const numRuns = Number(process.env['EXECUTOR_TEST_VALUES'] ?? 60)
const timeout = 60_000 + numRuns * 500

const anyValue = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
})

const { recipe } = fc.letrec<{ recipe: Recipe }>((tie) => {
  const entries = fc.array(fc.tuple(fc.string({ maxLength: 6 }), tie('recipe')), { maxLength: 4 })
  const items = fc.array(tie('recipe'), { maxLength: 4 })
  const thrown = fc.constantFrom<unknown>(null, undefined, 'text', 7, { plain: true })
  return {
    recipe: fc.oneof(
      { maxDepth: 4 },
      fc.record({ is: fc.constant('any' as const), value: anyValue }),
      fc.record({ is: fc.constant('single' as const), name: fc.constantFrom(...singles) }),
      fc.record({ is: fc.constantFrom('getter' as const, 'trap' as const), throws: thrown }),
      fc.record({ is: fc.constant('cycle' as const) }),
      fc.record({
        is: fc.constant('deep' as const),
        levels: fc.integer({ min: 1, max: 12_000 }),
        how: fc.constantFrom('object' as const, 'array' as const, 'map' as const, 'cause' as const),
      }),
      fc.record({ is: fc.constant('huge' as const), length: fc.integer({ min: 0, max: 5_000 }) }),
      fc.record({ is: fc.constantFrom('array' as const, 'set' as const), items }),
      fc.record({ is: fc.constantFrom('object' as const, 'map' as const), entries }),
      fc.record({
        is: fc.constant('error' as const),
        name: fc.string({ maxLength: 8 }),
        message: fc.string({ maxLength: 8 }),
        properties: entries,
        cause: tie('recipe'),
      }),
    ),
  }
})

type End = { readonly value: unknown } | { readonly error: unknown }

/** Returns how `work` ends. @throws {TimeoutError} when it has not ended after 30 seconds */
async function endOf(work: PromiseLike<unknown>): Promise<End> {
  try {
    return { value: await waitFor(work, 30_000) }
  } catch (error) {
    if (error instanceof TimeoutError) throw error
    return { error }
  }
}

async function readAll(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const value of values) all.push(value)
  return all
}

function isRefusal(end: End): boolean {
  return 'error' in end && end.error instanceof JobSerializationError
}

function copyOf(value: unknown): End {
  try {
    return { value: structuredClone(value) }
  } catch (error) {
    return { error }
  }
}

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ name, make }) => {
  test(
    'random values settle every job, crash no worker, and leave other jobs right',
    { timeout },
    async () => {
      await using pool = make({ maxWorkers: 2 })
      let count = 0
      const neighbours = (): PromiseLike<unknown>[] =>
        Array.from({ length: 3 }, () => pool.submit(refs.echo, count++))
      const property = fc.asyncProperty(recipe, async (given) => {
        const first = count
        const before = neighbours()
        const value = cook(given)
        const taken = endOf(pool.submit(ways.take, value))
        const between = neighbours()
        // This job returns its argument, so the value goes both ways.
        const echoed = endOf(pool.submit(ways.echo, value))
        // The recipe itself may contain something that this kind of pool cannot send. Then the job does not begin.
        const out = [ways.giveCooked, ways.giveCookedLater, ways.throwCooked, ways.throwWithCooked]
        const outcomes = out.map((job) => endOf(pool.submit(job, given)))
        const streamed = endOf(readAll(pool.submit(ways.yieldCooked, given)))
        const after = neighbours()
        const [takenEnd, echoedEnd, result, later, thrown, thrownWith, stream] = await Promise.all([
          taken,
          echoed,
          ...outcomes,
          streamed,
        ])
        expect(await Promise.all([...before, ...between, ...after])).toEqual(
          Array.from({ length: 9 }, (_, i) => first + i),
        )
        expect(isRefusal(takenEnd) || 'value' in takenEnd).toBe(true)
        for (const end of [echoedEnd, result, later, stream]) {
          if (end !== undefined && 'error' in end) expect(end.error).not.toHaveProperty('exitCode')
        }
        expect(thrown).toHaveProperty('error')
        expect(thrownWith).toHaveProperty('error')
        if (stream !== undefined && 'value' in stream) {
          expect(stream.value).toHaveLength(3)
          expect((stream.value as unknown[])[0]).toBe('first')
        }
        const copy = copyOf(value)
        if (
          name === 'threads' &&
          'value' in echoedEnd &&
          'value' in copy &&
          !isThenable(copy.value)
        ) {
          expect(isSame(echoedEnd.value, copy.value)).toBe(true)
        }
      })
      await fc.assert(property, { numRuns, endOnFailure: true })
      const { crashed, queued, running } = pool.stats
      expect({ crashed, queued, running }).toEqual({ crashed: 0, queued: 0, running: 0 })
    },
  )
})

function isSame(one: unknown, other: unknown): boolean {
  try {
    return isDeepStrictEqual(one, other)
  } catch {
    // The values are too deep to be compared.
    return true
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value
}
