import { createTask, gather, run, shield, wait } from '@tasktree/core'
import { observe, ObservedFuture } from '@tasktree/core/lowlevel'
import { expect, test } from 'vitest'

class Counted extends ObservedFuture<string> {
  waits = 0

  protected override observed(): void {
    this.waits++
  }
}

class Lazy extends ObservedFuture<string> {
  protected override observed(): void {
    if (!this.done()) this.setResult('made')
  }
}

const ways: Record<string, (future: ObservedFuture<string>) => PromiseLike<unknown>> = {
  await: async (future) => future,
  catch: (future) => future.catch(() => {}),
  gather: (future) => gather([future]),
  wait: (future) => wait([future]),
  shield: (future) => shield(future),
  'yield*': (future) =>
    createTask(function* () {
      return yield* future
    }),
  addDoneCallback: (future) =>
    new Promise((resolve) => {
      future.addDoneCallback(resolve)
    }),
  observe: (future) =>
    new Promise((resolve) => {
      observe(future, resolve)
    }),
}

test.for(Object.entries(ways))(
  'ObservedFuture calls observed() once for a wait by %s, and observed() may set the result',
  async ([, waitForEnd]) => {
    await run(async () => {
      const counted = new Counted()
      const waiting = createTask(async () => waitForEnd(counted))
      await createTask(async () => {})
      await createTask(async () => {})
      expect(counted.waits).toBe(1)
      counted.setResult('')
      await waiting
      await waitForEnd(new Lazy())
    })
  },
)

test('ObservedFuture does not call observed() for a wait when it is done', async () => {
  await run(async () => {
    const counted = new Counted()
    counted.setResult('done')
    expect(await gather([counted])).toEqual(['done'])
    expect(await counted).toBe('done')
    expect(counted.waits).toBe(0)
  })
})
