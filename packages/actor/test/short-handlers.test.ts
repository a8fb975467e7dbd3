// A handler that returns no promise runs without a resume of the actor's task: it runs in a short turn while the task waits. Such
// handlers must act like handlers for which the task is resumed.
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  Actor,
  ActorCrashed,
  ActorStopped,
  child,
  type LocalActorRef,
  spawn,
  sys,
} from '@tasktree/actor'
import { allTasks, currentTask, isCancelled, sleep, type Task, wait } from '@tasktree/core'
import { expect, test } from 'vitest'
import { kindsOf } from '../src/messages/message-kind.ts'
import { start, thrown, virtually } from './support/probe.ts'

const storage = new AsyncLocalStorage<string>()

/** An actor with short handlers. `warm` sends each message once, so that later messages run in such turns. */
class Short extends Actor {
  /** The context, for the functions that `call` runs. */
  readonly context = this.ctx
  readonly seen: unknown[] = []
  add(item: unknown): void {
    this.seen.push(item)
  }
  get(): unknown[] {
    return this.seen
  }
  where(): [string | undefined, string | undefined] {
    return [currentTask()?.name, storage.getStore()]
  }
  maybe(wait: boolean): unknown {
    if (!wait) return 'at once'
    return (async () => {
      await sleep(10)
      return 'later'
    })()
  }
  call(fn: (actor: Short) => unknown): unknown {
    return fn(this)
  }
}

async function warm(): Promise<LocalActorRef<Short>> {
  const actor = await storage.run('of the spawner', () => spawn(Short, [], { name: 'short' }))
  await actor.ask.add('warm')
  await actor.ask.get()
  await actor.ask.where()
  await actor.ask.maybe(false)
  await actor.ask.call(() => {})
  return actor
}

const taskOf = (name: string): Task => [...allTasks()].find((task) => task.name === name) as Task

test(
  'a short handler runs in the task and async context of its actor, whichever task sent the message',
  virtually(async () => {
    const actor = await warm()
    const asked = storage.run('of the sender', () => actor.ask.where())
    expect(await asked).toEqual(['/short', 'of the spawner'])
    await actor.stop()
  }),
)

test(
  'answers keep the order of the messages if a handler returns a promise only sometimes',
  virtually(async () => {
    const actor = await warm()
    const order: unknown[] = []
    const note = (what: string): void => void order.push(what)
    const asks = [
      actor.ask.maybe(false).then(() => note('1')),
      actor.ask.maybe(true).then(() => note('2')),
      actor.ask.add('x').then(() => note('3')),
      actor.ask.maybe(false).then(() => note('4')),
      actor.ask.maybe(true).then(() => note('5')),
    ]
    await Promise.all(asks)
    expect(order).toEqual(['1', '2', '3', '4', '5'])
    expect(await actor.ask.maybe(false)).toBe('at once')
    await actor.stop()
  }),
)

test(
  'a crash in a short handler ends the incarnation before the next message',
  virtually(async () => {
    const system = await start({ children: [child.actor('short', Short)] })
    const actor = system.lookup(Short, 'short')!
    for (let i = 0; i < 3; i++) await actor.ask.call(() => {})
    const first = actor.incarnation
    const crash = actor.ask.call(() => {
      throw new Error('boom')
    })
    const next = actor.ask.call((self) => self.seen.push('next'))
    expect(await thrown(crash)).toBeInstanceOf(ActorCrashed)
    expect(await next).toBe(1)
    expect(actor.incarnation).toBe(first + 1)
    await system.stop()
  }),
)

test(
  'an actor that stops itself in a short handler handles no further message',
  virtually(async () => {
    const actor = await warm()
    const stopped = actor.ask.call((self) => {
      void self.context.self.stop()
      return 'answer'
    })
    const next = actor.ask.get()
    expect(await stopped).toBe('answer')
    expect(await thrown(next)).toBeInstanceOf(ActorStopped)
    expect((await actor.whenStopped).kind).toBe('shutdown')
  }),
)

test(
  'ctx.stop in a short handler ends the actor with the reason normal',
  virtually(async () => {
    const actor = await warm()
    await actor.ask.call((self) => self.context.stop())
    expect((await actor.whenStopped).kind).toBe('normal')
  }),
)

test(
  'a kill from inside a short handler ends the actor',
  virtually(async () => {
    const actor = await warm()
    const asked = actor.ask.call((self) => void self.context.self.kill())
    await wait([asked])
    expect((await actor.whenStopped).kind).toBe('killed')
  }),
)

test(
  'a cancel of the task of an idle actor ends the actor, and a message that comes then fails',
  virtually(async () => {
    const actor = await warm()
    taskOf('/short').cancel('from outside')
    const late = actor.ask.get()
    expect(await thrown(late)).toBeInstanceOf(ActorStopped)
    expect(await actor.whenStopped).toMatchObject({ kind: 'shutdown' })
  }),
)

test(
  'a short handler that cancels the task of its actor is answered, and the actor ends',
  virtually(async () => {
    const actor = await warm()
    expect(await actor.ask.call(() => currentTask()?.cancel('from inside'))).toBe(true)
    expect((await actor.whenStopped).kind).toBe('shutdown')
  }),
)

test(
  'an async call that a short handler does not await is cancelled with the actor',
  virtually(async () => {
    const actor = await warm()
    let ended = ''
    await actor.ask.call(() => {
      void (async () => {
        try {
          await sleep(1_000)
        } catch (error) {
          ended = isCancelled(error) ? 'cancelled' : 'failed'
        }
      })()
    })
    await sleep(1)
    expect(ended).toBe('')
    taskOf('/short').cancel()
    await actor.whenStopped
    await sleep(1)
    expect(ended).toBe('cancelled')
  }),
)

test(
  'drain lets short handlers handle all messages of the mailbox, then the actor ends',
  virtually(async () => {
    const actor = await warm()
    const handled: number[] = []
    for (let i = 0; i < 1_000; i++) void actor.tell.call(() => handled.push(i))
    expect((await actor.drain()).kind).toBe('normal')
    expect(handled).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
  }),
)

test(
  'a suspended actor runs no short handler until it is resumed',
  virtually(async () => {
    const actor = await warm()
    await sys.suspend(actor)
    void actor.tell.add('while suspended')
    await sleep(5)
    expect(await sys.getState(actor)).toMatchObject({ seen: ['warm'] })
    await sys.resume(actor)
    expect(await actor.ask.get()).toEqual(['warm', 'while suspended'])
    await actor.stop()
  }),
)

test(
  'stash and a deferred reply in a short handler belong to the message of the handler',
  virtually(async () => {
    const actor = await warm()
    let runs = 0
    const stashed = actor.ask.call((self) => {
      if (runs++ > 0) return 'second run'
      self.context.stash()
      return 'first run'
    })
    let answer!: () => void
    const deferred = actor.ask.call((self) => {
      const port = self.context.reply<string>()
      answer = () => port.resolve('deferred')
      return port
    })
    expect(await actor.ask.call((self) => self.context.unstashAll())).toBe(undefined)
    expect(await stashed).toBe('second run')
    answer()
    expect(await deferred).toBe('deferred')
    await actor.stop()
  }),
)

test(
  'an actor that asks itself in a short handler gets the answer after the handler has returned',
  virtually(async () => {
    const actor = await warm()
    const inner = await actor.ask.call((self) => {
      const asked = self.context.self.ask.get()
      return { asked, done: asked.done() }
    })
    const { asked, done } = inner as { asked: PromiseLike<unknown>; done: boolean }
    expect(done).toBe(false)
    expect(await asked).toEqual(['warm'])
    await actor.stop()
  }),
)

test(
  'other tasks get their turns while an actor with short handlers always has messages',
  virtually(async () => {
    const actor = await warm()
    let isOver = false
    let turns = 0
    const fill = (self: Short): void => {
      if (!isOver) void self.context.self.tell.call(fill)
    }
    void actor.tell.call(fill)
    for (; turns < 100; turns++) await sleep(0)
    isOver = true
    await actor.stop()
    await wait([actor.whenStopped])
    expect(turns).toBe(100)
  }),
)

test(
  'a handler that returned a promise once runs as a short handler again when it returns none',
  virtually(async () => {
    class Sometimes extends Actor {
      get(promise: boolean): unknown {
        return promise ? Promise.resolve(1) : 1
      }
    }
    const actor = await spawn(Sometimes)
    const kind = kindsOf(Sometimes).get('get')
    for (const [promise, runsInTurns] of [
      [false, true],
      [true, false],
      [false, true],
      [false, true],
    ] as const) {
      await actor.ask.get(promise)
      expect(kind.isPlain).toBe(runsInTurns)
    }
    await actor.stop()
  }),
)
