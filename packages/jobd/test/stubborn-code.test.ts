import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CancelledError, ensureFuture, getEventLoop, run, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { JobClient } from '@tasktree/jobd'
import { describe, expect, test } from 'vitest'
import { defineKinds, type Kinds } from '../src/jobs/kind.ts'
import { AttemptCode, AttemptCodes } from '../src/scheduling/attempt.ts'
import type { StoredResult } from '../src/jobs/stored-value.ts'
import { rowsOf } from './support/files.ts'
import { inJobd, until } from './support/in-jobd.ts'
import { Served } from './support/served.ts'

const slow = { tags: ['slow'] }
const text = (value: string): StoredResult => ({ text: value, type: 'text' })
const never = (): Promise<never> => new Promise(() => {})

/** Begins an attempt and cancels it at once. Returns how and when it ended, and whether its code was abandoned. */
async function cancelled(perform: () => Promise<StoredResult>): Promise<unknown[]> {
  const loop = getEventLoop()
  let isAbandoned = false
  const code = new AttemptCode(perform, 0, () => (isAbandoned = true))
  await sleep(0)
  const begun = loop.time()
  code.cancel()
  const outcome = await code.outcome
  const ms = loop.time() - begun
  await code.ended
  return [outcome, ms, isAbandoned]
}

describe('an attempt of a job', () => {
  test('ends soon after a cancel even if its code cannot be interrupted', () =>
    runVirtual(async () => {
      const isCancelled = { cancelled: true }
      // For comparison: code that a cancel interrupts ends at once, and is not abandoned.
      expect(await cancelled(() => sleep(9_000, text('')))).toEqual([isCancelled, 0, false])
      expect(await cancelled(never)).toEqual([isCancelled, 100, true])
      const swallow = async (): Promise<StoredResult> => {
        for (;;) {
          try {
            await ensureFuture(never())
            // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- the test needs code that swallows a cancel
          } catch {
            continue
          }
        }
      }
      expect(await cancelled(swallow)).toEqual([isCancelled, 1_000, true])
    }))

  test('lasts until its code has cleaned up after a cancel', () =>
    runVirtual(async () => {
      let isClean = false
      const cleansUp = async (): Promise<StoredResult> => {
        try {
          return await sleep(9_000, text(''))
        } finally {
          await sleep(900)
          isClean = true
        }
      }
      expect(await cancelled(cleansUp)).toEqual([{ cancelled: true }, 900, false])
      expect(isClean).toBe(true)
    }))

  test('fails at its time limit, whatever its code returns later', () =>
    runVirtual(async () => {
      const loop = getEventLoop()
      const failed = { error: 'the time limit of 1000 ms has passed' }
      for (const [perform, ms] of [
        [never, 1_100],
        [() => sleep(9_000, text('')), 1_000],
        [
          async () => {
            await sleep(2_000).catch(() => {})
            return text('too late')
          },
          1_000,
        ],
      ] as const) {
        const begun = loop.time()
        const code = new AttemptCode(perform, 1_000, () => {})
        expect(await code.outcome).toEqual(failed)
        expect(loop.time() - begun).toBe(ms)
        await code.ended
      }
      // For comparison: a result in time counts.
      const code = new AttemptCode(
        () => sleep(999, text('in time')),
        1_000,
        () => {},
      )
      expect(await code.outcome).toEqual({ result: text('in time') })
    }))

  test('whose code was abandoned cannot wait for Tasktree in it, and a late error does not end the program', async () => {
    const reported: unknown[] = []
    await runVirtual(async () => {
      getEventLoop().setExceptionHandler((_loop, { exception }) => reported.push(exception))
      const { promise, resolve } = Promise.withResolvers<void>()
      let refusal: unknown
      const code = new AttemptCode(
        async () => {
          await promise
          await sleep(1).catch((error: unknown) => (refusal = error))
          throw new Error('late')
        },
        0,
        () => {},
      )
      await sleep(0)
      code.cancel()
      await code.ended
      resolve()
      await sleep(10)
      expect(refusal).toBeInstanceOf(CancelledError)
    })
    // The loop would have reported an unread failure at the end of the run.
    expect(reported).toEqual([])
  })

  test('that was lost is waited for by the next attempt for a second at most', () =>
    runVirtual(async () => {
      const loop = getEventLoop()
      const codes = new AttemptCodes()
      for (const perform of [never, never, () => sleep(9_000, text(''))]) {
        const code = new AttemptCode(perform, 0, () => {})
        codes.add(code)
        await sleep(0)
        code.outcome.cancel()
        expect(code.isOver).toBe(true)
      }
      const begun = loop.time()
      await codes.ended()
      expect(loop.time() - begun).toBe(1_000)
    }))
})

/** Kinds whose jobs await native promises, which the test resolves. */
function makeNative(): { kinds: Kinds; marks: string[]; release: () => void } {
  const marks: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const kinds = defineKinds({
    native: {
      run: async () => {
        marks.push('begun')
        await promise
        return 'through'
      },
    },
    quick: { run: (name: string) => name },
    twoSteps: {
      run: async (_: string, ctx) => {
        const mark = (what: string) => (): void => void marks.push(`${what} of ${ctx.attempt}`)
        await ctx.step('first', mark('first'))
        if (ctx.attempt === 1) await promise
        ctx.log(`attempt ${ctx.attempt} goes on`)
        await ctx.step('second', mark('second')).catch((error: Error) => mark(error.message)())
        mark('end')()
      },
    },
    lateStep: {
      run: async (_: string, ctx) => {
        const slowly = async (): Promise<number> => {
          if (ctx.attempt === 1) await promise
          return ctx.attempt
        }
        try {
          return await ctx.step('slow', slowly)
        } finally {
          marks.push(`end of ${ctx.attempt}`)
        }
      },
    },
  })
  return { kinds, marks, release: resolve }
}

test(
  'a job that awaits a native promise can be cancelled, and its worker takes the next job',
  slow,
  () => {
    const { kinds, marks, release } = makeNative()
    return inJobd(
      async ({ add, reach, client, get, wait }) => {
        const id = await add('native', '')
        await reach(id, 'running')
        await until(() => marks.length === 1)
        expect(await client.command('JOB.CANCEL', id)).toEqual({ simple: 'OK' })
        expect(await get(id)).toMatchObject({ state: 'cancelled' })
        // There is only one worker, so it is free again.
        expect(await wait(await add('quick', 'next'))).toMatchObject({ result: 'next' })
        const [second, third] = [await add('native', ''), await add('native', '', 'DELAY', '9000')]
        await until(() => marks.length === 2)
        expect(await client.command('JOB.BULK', 'CANCEL', 'ALL')).toBe(2)
        for (const each of [second, third])
          expect(await get(each)).toMatchObject({ state: 'cancelled' })
        // The result that the code returns later changes nothing.
        release()
        expect(await wait(await add('quick', 'last'))).toMatchObject({ result: 'last' })
        expect(await get(id)).toMatchObject({ state: 'cancelled', result: null })
      },
      { kinds, workers: 1 },
    )
  },
)

test('a time limit ends a job that awaits a native promise', slow, () => {
  const { kinds, release } = makeNative()
  return inJobd(
    async ({ add, wait }) => {
      const id = await add('native', '', 'TIMEOUT', '50')
      expect(await wait(id)).toMatchObject({
        state: 'failed',
        error: 'the time limit of 50 ms has passed',
      })
      expect(await wait(await add('quick', 'next'))).toMatchObject({ result: 'next' })
      release()
    },
    { kinds, workers: 1 },
  )
})

test(
  'an attempt whose worker was killed runs no further step, and writes nothing into the next attempt',
  slow,
  () => {
    const { kinds, marks, release } = makeNative()
    return inJobd(
      async ({ add, client, wait }) => {
        const id = await add('twoSteps', '')
        await until(() => marks.length === 1)
        await client.command('ACTOR.KILL', 'workers/worker-1')
        expect(await wait(id)).toMatchObject({ state: 'done', attempts: 2 })
        expect(marks).toEqual(['first of 1', 'second of 2', 'end of 2'])
        release()
        await until(() => marks.length === 5)
        expect(marks.slice(3)).toEqual([
          "step 'second' is refused: this attempt of the job is over of 1",
          'end of 1',
        ])
        expect(await client.command('JOB.LOG', id)).toBe('attempt 2 goes on\n')
        expect(await client.command('JOB.LOG', id, 'ATTEMPT', 1)).toBe('')
      },
      { kinds, workers: 1 },
    )
  },
)

test(
  'the result of a step that ends after the worker of its attempt was killed is not stored',
  slow,
  () => {
    const { kinds, marks, release } = makeNative()
    return inJobd(
      async ({ add, client, wait, reach, file }) => {
        const id = await add('lateStep', '')
        await reach(id, 'running')
        await client.command('ACTOR.KILL', 'workers/worker-1')
        expect(await wait(id)).toMatchObject({ state: 'done', result: '2' })
        release()
        await until(() => marks.length === 2)
        expect(rowsOf(file, 'SELECT result FROM steps')).toEqual([{ result: '2' }])
      },
      { kinds, workers: 1 },
    )
  },
)

const stubborn = fileURLToPath(new URL('./fixtures/kinds/stubborn.ts', import.meta.url))

test.for(['never', 'neverInStep', 'native', 'swallow', 'swallowInTasks'])(
  'SIGTERM ends a server with a job of the kind %s, and the job is queued again',
  slow,
  async (kind) => {
    const served = await Served.start('--kinds', stubborn)
    await using _ = served
    await run(async () => {
      await using client = await JobClient.connect('127.0.0.1', served.port)
      const id = await client.add(kind, '')
      await until(async () => (await client.get(id))?.state === 'running')
    })
    expect(await served.stop()).toBe(0)
    expect(served.log).not.toContain('DeadlockError')
    const rows = rowsOf(join(served.folder, 'jobs.sqlite'))
    expect(rows).toMatchObject([{ state: 'queued', attempts: 1, deaths: 0 }])
  },
)
