import { Actor, ActorSystem, child, spawn } from '@tasktree/actor'
import { ContextVar, copyContext, createTask, run, sleep } from '@tasktree/core'
import { expect, test } from 'vitest'

const place = new ContextVar<string>('place', { default: 'nowhere' })

class Reader extends Actor {
  static override readonly interleave = ['beside']
  readonly told: string[] = []

  now(): string {
    return place.get()
  }

  async later(): Promise<string[]> {
    const before = place.get()
    await sleep(1)
    const inTask = await createTask(async () => {
      await sleep(0)
      return place.get()
    })
    return [before, place.get(), inTask]
  }

  async beside(): Promise<string> {
    await sleep(0)
    return place.get()
  }

  note(): void {
    this.told.push(place.get())
  }

  notes(): string[] {
    return this.told
  }

  set(value: string): void {
    place.set(value)
  }

  /** Replies through `ctx`, which must find the message of this handler. */
  async deferred(): Promise<void> {
    await sleep(0)
    const port = this.ctx.reply<string>()
    await sleep(0)
    port.resolve(place.get())
  }

  onceStashed(): string {
    if (this.told.length === 0) {
      this.told.push('stashed')
      this.ctx.stash()
      this.ctx.unstashAll()
    }
    return place.get()
  }
}

/** Makes a context in which `place` has the given value. */
function at(value: string): ReturnType<typeof copyContext> {
  const context = copyContext()
  context.run(() => place.set(value))
  return context
}

test('a handler runs in the async context of its message, before and after an await', async () => {
  await run(async () => {
    const reader = await spawn(Reader)
    expect(await reader.ask({ context: at('here') }).now()).toBe('here')
    expect(await reader.ask.now()).toBe('nowhere')
    expect(await reader.ask({ context: at('here') }).later()).toEqual(['here', 'here', 'here'])
    expect(await reader.ask.later()).toEqual(['nowhere', 'nowhere', 'nowhere'])
    await reader.stop()
  })
})

test('each of two handlers that run at the same time has the async context of its own message', async () => {
  await run(async () => {
    const reader = await spawn(Reader)
    const waiting = reader.ask({ context: at('main') }).later()
    const one = reader.ask({ context: at('one') }).beside()
    const two = reader.ask({ context: at('two') }).beside()
    const none = reader.ask.beside()
    expect([await one, await two, await none]).toEqual(['one', 'two', 'nowhere'])
    expect(await waiting).toEqual(['main', 'main', 'main'])
    await reader.stop()
  })
})

test('a tell carries its async context, and values that a handler sets stay in that context', async () => {
  await run(async () => {
    const reader = await spawn(Reader)
    const context = at('here')
    await reader.tell({ context }).note()
    await reader.tell.note()
    expect(await reader.ask.notes()).toEqual(['here', 'nowhere'])
    await reader.ask({ context }).set('there')
    expect(context.get(place)).toBe('there')
    expect(await reader.ask.now()).toBe('nowhere')
    await reader.stop()
  })
})

test('a deferred reply and a stashed message keep the async context of the message', async () => {
  await run(async () => {
    const reader = await spawn(Reader)
    const deferred = reader.ask({ context: at('here') }).deferred()
    expect(await deferred).toBe('here')
    expect(await reader.ask({ context: at('here') }).onceStashed()).toBe('here')
    await reader.stop()
  })
})

test('a message that waits for a restart has its async context in the next incarnation', async () => {
  await run(async () => {
    class Fragile extends Reader {
      async crash(): Promise<void> {
        await sleep(1)
        throw new Error('broken')
      }
    }
    await using system = await ActorSystem.start({
      name: 's',
      logger: { ...console, error: () => {}, warn: () => {} },
      children: [child.actor('fragile', Fragile)],
    })
    const fragile = system.lookup(Fragile, 'fragile')
    void fragile?.tell.crash()
    expect(await fragile?.ask({ context: at('here') }).now()).toBe('here')
  })
})

test('a value that is not an async context is refused at the call', async () => {
  await run(async () => {
    const reader = await spawn(Reader)
    expect(() => reader.ask({ context: new Map() as never })).toThrow(/context must be a Context/)
    expect(() => reader.tell({ context: 1 as never })).toThrow(
      /context must be a Context, got number 1/,
    )
    expect(() => reader.tell({ odd: 1 } as never)).toThrow(/there are confirm, context/)
    await reader.stop()
  })
})
