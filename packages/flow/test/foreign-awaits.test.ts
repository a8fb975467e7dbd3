import { EventEmitter } from 'node:events'
import { createTask, getEventLoop, isCancelled, moveOnAfter, run, sleep } from '@tasktree/core'
import { forEach, map, mapStream, on, poll } from '@tasktree/flow'
import { describe, expect, test } from 'vitest'
import { now, thrown, virtual } from './support/virtual.ts'

const foreign = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('moveOnAfter ends a mapStream loop whose body awaits only native promises', () =>
  run(async () => {
    let seen = 0
    const items = Array.from({ length: 200 }, (_, i) => i)
    const { cancelled } = await moveOnAfter(50, async () => {
      for await (const _ of mapStream(items, async (item) => item, { concurrency: 10 })) {
        seen++
        await foreign(5)
      }
    })
    expect(cancelled).toBe(true)
    expect(seen).toBeLessThan(200)
  }))

/** Returns a native promise that resolves after `ms` milliseconds of virtual time. */
const unknown = (ms: number): Promise<void> =>
  new Promise((resolve) => void getEventLoop().callLater(ms, resolve))

describe('a cancel during native promises, which a cancel cannot end,', () => {
  async function* source(): AsyncGenerator<number> {
    for (let i = 0; i < 1_000; i++) {
      await unknown(10)
      yield i
    }
  }
  const set = new Set(Array.from({ length: 100 }, (_, i) => i))

  const bodies: Record<string, (call: (item: number) => Promise<number | undefined>) => unknown> = {
    'map of an array': (call) => map([...set], call, { concurrency: 2 }),
    'map of a set': (call) => map(set, call, { concurrency: 2 }),
    'map of an async source': (call) => map(source(), call),
    'forEach of an array': (call) => forEach([...set], call, { concurrency: 2 }),
    'forEach of an async source': (call) => forEach(source(), call, { concurrency: 2 }),
    'a loop over mapStream': async (call) => {
      for await (const _ of mapStream(source(), call, { concurrency: 100 })) await unknown(1)
    },
    'a loop over busy events': async (call) => {
      const emitter = new EventEmitter()
      const events = on<number>(emitter, 'item')
      for (const item of set) emitter.emit('item', item)
      for await (const item of events) await call(item)
    },
    poll: (call) => poll(async () => ((await call(0)) === 100 ? 1 : undefined), { interval: 1 }),
  }

  const cancels: Record<string, (body: () => Promise<unknown>) => Promise<void>> = {
    'the task': async (body) => {
      const task = createTask(body)
      await sleep(35)
      task.cancel()
      expect(isCancelled(await thrown(task))).toBe(true)
    },
    'a scope': async (body) => {
      expect(await moveOnAfter(35, body)).toMatchObject({ cancelled: true })
    },
  }

  for (const [what, cancel] of Object.entries(cancels)) {
    for (const [name, body] of Object.entries(bodies)) {
      virtual(`of ${what} lets ${name} begin no other call`, async () => {
        const calls: number[] = []
        await cancel(async () =>
          body(async (item) => {
            calls.push(now())
            await unknown(10)
            return item
          }),
        )
        expect(calls.filter((at) => at > 35)).toEqual([])
        expect(now()).toBeLessThanOrEqual(50)
      })

      // The body of a loop over events belongs to the program, which may catch the cancel of its task and go on.
      if (what === 'the task' && name.includes('events')) continue

      virtual(`of ${what} that is caught lets ${name} begin no other call`, async () => {
        const calls: number[] = []
        await cancel(async () =>
          body(async (item) => {
            calls.push(now())
            try {
              await sleep(10)
            } catch {
              await unknown(1)
            }
            return item
          }),
        )
        expect(calls.filter((at) => at > 35)).toEqual([])
        expect(now()).toBeLessThanOrEqual(50)
      })
    }
  }

  virtual(
    'does not keep forEach in a clean-up of the cancelled scope from making all its calls',
    async () => {
      for (const items of [[...set], set]) {
        let calls = 0
        await moveOnAfter(1, async () => {
          try {
            await sleep(10)
          } finally {
            await forEach(items, async () => {
              calls++
              await unknown(1)
            })
          }
        })
        expect(calls).toBe(100)
      }
    },
  )
})

virtual('poll ends at its timeout although its function catches the cancel', async () => {
  const ask = async (): Promise<undefined> => {
    await sleep(10).catch(() => {})
  }
  const error = await thrown(poll(ask, { interval: 1, timeout: 25 }))
  expect(error).toMatchObject({ name: 'TimeoutError' })
  expect(now()).toBe(25)
})
