import { sleep } from '@tasktree/core'
import { Barrier } from '@tasktree/sync'
import { describe, expect, test } from 'vitest'
import { waits } from './fixtures/waits.ts'

describe.each(Object.entries(waits))('%s in plain code', (_name, make) => {
  test('is cancelled when its signal aborts, and leaves no waiter behind', async () => {
    const [wait, waiters] = make()
    const controller = new AbortController()
    const waiting = wait({ signal: controller.signal })
    await sleep(0)
    expect(waiters()).toBe(1)
    controller.abort('enough')
    await expect(waiting).rejects.toMatchObject({ name: 'CancelledError', cause: 'enough' })
    expect(waiters()).toBe(0)
  })

  test('does not begin when its signal has aborted before', async () => {
    const [wait, waiters] = make()
    await expect(wait({ signal: AbortSignal.abort('no') })).rejects.toMatchObject({
      name: 'CancelledError',
      cause: 'no',
    })
    expect(waiters()).toBe(0)
  })

  test.each([5, { aborted: false }])(
    'refuses %o, which is not a signal, and leaves no waiter behind',
    async (signal) => {
      const [wait, waiters] = make()
      await expect((async () => wait({ signal: signal as never }))()).rejects.toBeInstanceOf(
        TypeError,
      )
      await sleep(0)
      expect(waiters()).toBe(0)
    },
  )
})

test.each(['reset', 'abort'] as const)(
  'Barrier.%s does nothing when its signal has aborted before',
  async (operation) => {
    const barrier = new Barrier(2)
    const options = { signal: AbortSignal.abort('no') }
    await expect(barrier[operation](options)).rejects.toMatchObject({ name: 'CancelledError' })
    expect(barrier.statistics()).toMatchObject({ state: 'filling', broken: false })
  },
)
