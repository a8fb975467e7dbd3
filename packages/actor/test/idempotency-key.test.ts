import { Actor, deriveIdempotencyKey, spawn } from '@tasktree/actor'
import { run, sleep } from '@tasktree/core'
import { expect, test, vi } from 'vitest'

class Keys extends Actor {
  static override readonly interleave = ['beside']

  now(): string | null {
    return this.ctx.idempotencyKey
  }

  async later(): Promise<(string | null)[]> {
    const before = this.ctx.idempotencyKey
    await sleep(1)
    return [before, this.ctx.idempotencyKey, deriveIdempotencyKey(), deriveIdempotencyKey()]
  }

  async beside(): Promise<string | null> {
    await sleep(0)
    return this.ctx.idempotencyKey
  }
}

test('a handler sees the idempotency key of its own message, before and after an await', async () => {
  await run(async () => {
    const keys = await spawn(Keys)
    expect(await keys.ask({ idempotencyKey: 'a' }).now()).toBe('a')
    expect(await keys.ask.now()).toBeNull()
    const waiting = keys.ask({ idempotencyKey: 'b' }).later()
    const beside = keys.ask({ idempotencyKey: 'c' }).beside()
    expect(await beside).toBe('c')
    expect(await waiting).toEqual(['b', 'b', 'b:1', 'b:2'])
    await keys.stop()
  })
})

test('the keys that a handler derives are the same when the handler runs again for the same message key', async () => {
  const keys = await spawn(Keys)
  const first = await keys.ask({ idempotencyKey: 'a' }).later()
  expect(await keys.ask({ idempotencyKey: 'a' }).later()).toEqual(first)
  expect(await keys.ask.later()).toEqual([null, null, null, null])
  expect(deriveIdempotencyKey()).toBeNull()
  await keys.stop()
})

test('a message that was stashed gives the same derived keys when its handler runs again', async () => {
  await run(async () => {
    class Stashing extends Actor {
      readonly #runs: (string | null)[][] = []
      work(): (string | null)[][] {
        this.#runs.push([this.ctx.idempotencyKey, deriveIdempotencyKey(), deriveIdempotencyKey()])
        if (this.#runs.length === 1) this.ctx.stash()
        return this.#runs
      }
      ready(): void {
        this.ctx.unstashAll()
      }
    }
    const stashing = await spawn(Stashing)
    const runs = stashing.ask({ idempotencyKey: 'a' }).work()
    await stashing.ask.ready()
    expect(await runs).toEqual([
      ['a', 'a:1', 'a:2'],
      ['a', 'a:1', 'a:2'],
    ])
    await stashing.stop()
  })
})

test('keys derived from a content are counted for each content, so their order does not matter', async () => {
  class Contents extends Actor {
    derive(contents: string[]): (string | null)[] {
      return contents.map((content) => deriveIdempotencyKey(() => content))
    }
  }
  const actor = await spawn(Contents)
  const ask = actor.ask({ idempotencyKey: 'a' })
  expect(await ask.derive(['x', 'y', 'x'])).toEqual(['a:x:1', 'a:y:1', 'a:x:2'])
  expect(await ask.derive(['y', 'x'])).toEqual(['a:y:1', 'a:x:1'])
  expect(await actor.ask.derive(['x'])).toEqual([null])
  await actor.stop()
})

test('the function that gives the content of a derived key is called only if the message has a key', () => {
  const content = vi.fn(() => 'x')
  expect(deriveIdempotencyKey(content)).toBeNull()
  expect(content).not.toHaveBeenCalled()
})

test('an idempotency key that is not a string is refused at the call', async () => {
  const keys = await spawn(Keys)
  expect(() => keys.ask({ idempotencyKey: 7 as never })).toThrow(/must be a string, got number 7/)
  await keys.stop()
})
