import { ContextVar, currentTask, run, sleep, timeout, TimeoutError } from '@tasktree/core'
import { serve } from '@tasktree/http'
import * as fc from 'fast-check'
import { Agent, request } from 'undici'
import { expect, test } from 'vitest'
import { requestTasks } from './support/probe.ts'

/**
 * The plan of one request. Its branches run in a `Promise.all`, each with a timeout. A slow branch is ended by its timeout. A branch
 * may fail a number of times, and is tried again. The client may leave early.
 */
interface Plan {
  readonly branches: readonly { readonly isSlow: boolean; readonly failures: number }[]
  readonly leaves: boolean
}

const plan: fc.Arbitrary<Plan> = fc.record({
  branches: fc.array(fc.record({ isSlow: fc.boolean(), failures: fc.nat(3) }), {
    minLength: 1,
    maxLength: 4,
  }),
  leaves: fc.boolean(),
})

/** Returns the answer that the client must get for a plan. */
function model({ branches }: Plan): string {
  return branches
    .map(({ isSlow, failures }) =>
      isSlow ? 'timeout' : failures > 2 ? 'failed' : `done ${failures}`,
    )
    .join()
}

async function retry<T>(fn: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fn(attempt)
    } catch (error) {
      if ((error as Error).message !== 'flaky' || attempt === 2) throw error
      await sleep(1)
    }
  }
}

async function branch(isSlow: boolean, failures: number): Promise<string> {
  try {
    return await timeout(isSlow ? 15 : 60_000, () =>
      retry(async (attempt) => {
        await sleep(1)
        if (!isSlow && attempt < failures) throw new Error('flaky')
        await sleep(isSlow ? 60_000 : 2)
        return `done ${attempt}`
      }),
    )
  } catch (error) {
    if (error instanceof TimeoutError) return 'timeout'
    if ((error as Error).message === 'flaky') return 'failed'
    throw error
  }
}

test(
  '1,000 random requests at once get the answers that each of them gets alone',
  { tags: ['slow'] },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: 1_000, maxLength: 1_000 }), async (plans) => {
        await run(async () => {
          const who = new ContextVar<string>('who')
          const errors: unknown[] = []
          let open = 0
          let begun = 0
          let left = 0
          await using server = await serve(
            async (incoming) => {
              const name = new URL(incoming.url).pathname
              const { branches, leaves } = plans[Number(name.slice(1))] as Plan
              who.set(name)
              open++
              if (leaves) begun++
              try {
                const results = await Promise.all(
                  branches.map(async ({ isSlow, failures }) => {
                    const result = await branch(isSlow, failures)
                    expect(who.get()).toBe(name)
                    return result
                  }),
                )
                if (leaves) await sleep(60_000)
                expect(currentTask()?.name).toBe(`GET ${name}`)
                return new Response(`${who.get()} ${results.join()}`)
              } catch (error) {
                if (leaves) left++
                throw error
              } finally {
                open--
              }
            },
            { onError: (error) => errors.push(error) },
          )
          const dispatcher = new Agent({ connections: 1_000 })
          await Promise.all(
            plans.map(async (each, i) => {
              const controller = new AbortController()
              const answer = request(`${server.url}/${i}`, {
                dispatcher,
                signal: controller.signal,
              })
              if (each.leaves) {
                setTimeout(() => controller.abort(), 200 + (i % 100))
                await expect(answer).rejects.toThrow('abort')
                return
              }
              const { body } = await answer
              expect(await body.text()).toBe(`/${i} ${model(each)}`)
            }),
          )
          while (requestTasks().length > 0) await sleep(5)
          await dispatcher.destroy()
          expect(errors).toEqual([])
          expect(open).toBe(0)
          expect(left).toBe(begun)
        })
      }),
      { numRuns: 3, endOnFailure: true },
    )
  },
)
