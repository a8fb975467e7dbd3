import {
  Actor,
  type LocalActorRef,
  ActorSystem,
  child,
  consoleLogger,
  ReplyError,
} from '@tasktree/actor'
import { waitFor } from '@tasktree/core'
import { expect, test, vi } from 'vitest'
import { LoggedErrors } from '../src/runtime/logged-errors.ts'
import { collect, thrown, settled, start, virtually } from './support/probe.ts'

class Fragile extends Actor {
  other: LocalActorRef<Fragile> | null = null
  meet(other: LocalActorRef<Fragile>): void {
    this.other = other
  }
  boom(): void {
    throw new Error('boom', { cause: new Error('because') })
  }
  async passOn(): Promise<void> {
    await this.other?.ask.boom()
  }
  refuse(): void {
    throw new ReplyError('not today')
  }
}

function watchConsole(): string[] {
  const blocks: string[] = []
  for (const level of ['warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => {
      blocks.push(parts.map(String).join(' '))
    })
  }
  return blocks
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}

test(
  'a crash and its restart are one block on the console, with the stack and the cause once',
  virtually(async () => {
    for (const logger of [undefined, consoleLogger, console]) {
      const blocks = watchConsole()
      const system = await ActorSystem.start({
        name: 's',
        ...(logger === undefined ? {} : { logger }),
        children: [child.actor('a', Fragile)],
      })
      await thrown((system.lookup('a') as LocalActorRef<Fragile>).ask.boom())
      await settled()
      expect(blocks).toHaveLength(1)
      const [line, ...stack] = (blocks[0] as string).split('\n')
      expect(line).toBe(
        'restarting /s/a (attempt 1, incarnation 2) after error: Error: boom (in boom)',
      )
      expect(stack[0]).toMatch(/^ +at /)
      expect(count(blocks[0] as string, 'Error: boom')).toBe(1)
      expect(count(blocks[0] as string, 'Error: because')).toBe(1)
      await system.stop()
    }
  }),
)

test(
  'a crash that ends its supervisor too shows its stack once on the console',
  virtually(async () => {
    const blocks = watchConsole()
    const system = await ActorSystem.start({
      name: 's',
      maxRestarts: 1,
      children: [child.actor('a', Fragile), child.actor('b', Fragile)],
    })
    const a = system.lookup('a') as LocalActorRef<Fragile>
    await a.ask.meet(system.lookup('b') as LocalActorRef<Fragile>)
    const ended = thrown(system.done)
    await thrown(a.ask.passOn())
    expect(await ended).toMatchObject({ name: 'RestartLimitError' })
    expect(blocks.map((block) => block.split('\n')[0])).toEqual([
      'restarting /s/b (attempt 1, incarnation 2) after error: Error: boom (in boom)',
      expect.stringContaining('/s gives up after 1 restarts of /s/a'),
    ])
    expect(blocks[1]).not.toContain('\n')
    expect(count(blocks.join('\n'), 'Error: because')).toBe(1)
  }),
)

test(
  'an error that a handler answers with is not logged when a caller waits for the answer',
  virtually(async () => {
    const blocks = watchConsole()
    const system = await ActorSystem.start({ name: 's', children: [child.actor('a', Fragile)] })
    const a = system.lookup('a') as LocalActorRef<Fragile>
    await thrown(a.ask.refuse())
    expect(blocks).toEqual([])
    await a.tell.refuse()
    await settled()
    expect(blocks).toEqual(['/s/a goes on after refuse threw: ReplyError: not today'])
    await system.stop()
  }),
)

test(
  'an error of a handler that a kill gave up is logged when the handler throws it',
  virtually(async () => {
    const fails: ((error: unknown) => void)[] = []
    const later = (): Promise<void> =>
      new Promise((_resolve, reject) => {
        fails.push(reject)
      })
    class Foreign extends Actor {
      static override readonly interleave = ['beside']
      async wait(): Promise<void> {
        await later()
      }
      async beside(): Promise<void> {
        await later()
      }
    }
    class Closing extends Actor {
      protected override async onStop(): Promise<void> {
        await later()
      }
    }
    const blocks = watchConsole()
    const system = await ActorSystem.start({
      name: 's',
      children: [
        child.actor('a', Foreign, [], { restart: 'temporary' }),
        child.actor('b', Closing, [], { restart: 'temporary' }),
        child.task('t', later, { restart: 'temporary' }),
      ],
    })
    const ends = collect(system, 'zombie-settled')
    const a = system.lookup(Foreign, 'a')
    void a?.tell.wait()
    await settled()
    void a?.tell.beside()
    void system.lookup('b')?.stop()
    await settled()
    for (const id of ['a', 'b', 't']) await system.lookup(id)?.kill()
    await settled()
    blocks.length = 0
    fails.forEach((fail, index) => fail(new Error(`late ${index}`)))
    await settled()
    expect(blocks.map((block) => block.split('\n')[0]).toSorted()).toEqual([
      '/s/a: beside, which went on after the kill, has failed: Error: late 2',
      '/s/a: wait, which went on after the kill, has failed: Error: late 1',
      '/s/b: onStop, which went on after the kill, has failed: Error: late 3',
      '/s/t: the task, which went on after the kill, has failed: Error: late 0',
    ])
    expect(ends.map(({ error }) => (error as Error).message).toSorted()).toEqual([
      'late 0',
      'late 1',
      'late 2',
      'late 3',
    ])
    await system.stop()
  }),
)

test(
  'a handler that a kill gave up and that ends by a cancel or a refused ctx call is not logged',
  virtually(async () => {
    const blocks = watchConsole()
    const settles: (() => void)[] = []
    class Foreign extends Actor {
      async wait(): Promise<void> {
        await new Promise<void>((resolve) => {
          settles.push(resolve)
        })
        this.ctx.stop()
      }
    }
    const system = await ActorSystem.start({ name: 's', children: [child.actor('a', Foreign)] })
    const a = system.lookup(Foreign, 'a')
    void a?.tell.wait()
    await settled()
    await a?.kill()
    await settled()
    blocks.length = 0
    for (const settle of settles) settle()
    await settled()
    expect(blocks).toEqual([])
    await system.stop()
  }),
)

test(
  'a logger with the interface of pino gets the fields and the error of each entry',
  virtually(async () => {
    const records: [string, object, string][] = []
    const write =
      (level: string) =>
      (fields: object, message: string): void => {
        records.push([level, fields, message])
      }
    const system = await start({
      maxRestarts: 1,
      logger: {
        debug: write('debug'),
        info: write('info'),
        warn: write('warn'),
        error: write('error'),
        child: () => null,
      },
      children: [child.actor('a', Fragile)],
    })
    const a = system.lookup('a') as LocalActorRef<Fragile>
    const error = (await thrown(a.ask.boom())) as Error
    await settled()
    expect(records).toEqual([
      [
        'warn',
        {
          event: 'restarting',
          path: '/s/a',
          id: 'a',
          incarnation: 1,
          nextIncarnation: 2,
          attempt: 1,
          delay: 0,
          during: 'boom',
          err: error.cause,
        },
        'restarting /s/a (attempt 1, incarnation 2) after error: Error: boom (in boom)',
      ],
    ])
    await thrown(a.ask.boom())
    await thrown(system.done)
    expect(records[1]?.slice(0, 2)).toMatchObject([
      'error',
      { event: 'gave-up', path: '/s', child: '/s/a', restarts: 1 },
    ])
  }),
)

test('a logger that lacks a method is refused with the name of the method', async () => {
  const logger = { debug() {}, info() {}, warn() {} } as never
  await expect(async () => start({ logger })).rejects.toThrow('logger needs a method error')
})

test(
  'a logger that throws does not end a supervisor, and its entry goes to the console',
  virtually(async () => {
    const blocks = watchConsole()
    const fail = (): never => {
      throw new Error('the disk is full')
    }
    const system = await ActorSystem.start({
      name: 's',
      logger: { debug: fail, info: fail, warn: fail, error: fail },
      children: [child.actor('a', Fragile)],
    })
    await thrown(system.lookup(Fragile, 'a')?.ask.boom() as PromiseLike<unknown>)
    await settled()
    expect(system.lookup('a')).toMatchObject({ status: 'running', incarnation: 2 })
    expect(blocks).toEqual([
      expect.stringMatching(/^the logger threw Error: the disk is full; .*restarting \/s\/a/),
    ])
    await system.stop()
  }),
)

test(
  'an error that ends a system is logged only if no code waits for the end of the system any more',
  virtually(async () => {
    for (const waits of [true, false]) {
      const blocks = watchConsole()
      const system = await ActorSystem.start({
        name: 's',
        logger: consoleLogger,
        maxRestarts: 0,
        children: [child.actor('a', Fragile)],
      })
      await thrown(waitFor(system.done, 10))
      const failed = waits ? thrown(system.done) : null
      await system.lookup(Fragile, 'a')?.tell.boom()
      await settled()
      if (failed !== null) expect(await failed).toMatchObject({ name: 'RestartLimitError' })
      expect(count(blocks.join('\n'), 's has ended')).toBe(waits ? 0 : 1)
    }
  }),
)

test('the causes of an error are read once, however many later errors have them', () => {
  let reads = 0
  class Wrapped extends Error {
    readonly #cause: unknown
    constructor(cause: unknown) {
      super('again')
      this.#cause = cause
    }
    override get cause(): unknown {
      reads++
      return this.#cause
    }
  }
  const logged = new LoggedErrors()
  let error = new Wrapped(null)
  expect(logged.add(error)).toBe(false)
  for (let attempt = 0; attempt < 50; attempt++) {
    error = new Wrapped(error)
    expect(logged.add(error)).toBe(true)
  }
  expect(reads).toBe(51)
  const circle = new Error('circle')
  circle.cause = new Error('half', { cause: circle })
  expect([logged.add(circle), logged.add(circle.cause)]).toEqual([false, true])
})
