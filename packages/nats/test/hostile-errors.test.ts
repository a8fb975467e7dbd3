import { getEventLoop, sleep, waitFor } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { reportProgress } from '@tasktree/executor'
import { Actor, type ActorSystem, child, ReplyError, silentLogger } from '@tasktree/actor'
import {
  cloneCodec,
  cluster,
  type Codec,
  PoisonedJob,
  remoteJobs,
  type WorkerOptions,
} from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { startMemoryNode } from './support/nodes-in-memory.ts'

/** Returns a value that throws when code reads a property of it. The type says `Error`, but the value is not an error. */
function hostile(): Error {
  const trap = (): never => {
    throw new Error('trap')
  }
  return new Proxy({}, { getPrototypeOf: trap, get: trap }) as Error
}

/** Returns a list to which each call of the loop's exception handler adds its message and error from now on. */
function collectReports(): string[] {
  const reports: string[] = []
  getEventLoop().setExceptionHandler((_, { message, exception }) => {
    reports.push(`${message}: ${String(exception)}`)
  })
  return reports
}

const work = {
  proxy: async (): Promise<void> => {
    throw hostile()
  },
  plain: async (): Promise<void> => {
    throw new RangeError('plain')
  },
}
const far = remoteJobs<typeof work>('work')

test('a job fails at once if it throws a value that cannot be read, or if retryIf throws', () =>
  runVirtual(async () => {
    const reports: string[] = []
    getEventLoop().setExceptionHandler((_, { message }) => void reports.push(message))
    const server = new MemoryServer()
    const retryIf = (): never => {
      throw new Error('retryIf')
    }
    const system = await startMemoryNode(server, 'node', (own) => [
      own.worker('q', { work }),
      own.worker('r', { work }, { retryIf }),
    ])
    await sleep(1_000)
    {
      await using sender = await cluster({ connector: server.connector }).connect()
      const begin = getEventLoop().time()
      expect(String(await thrown(sender.executor('q').submit(far.proxy)))).toBe(
        'TypeError: the job threw a value that cannot be looked at',
      )
      expect(reports).toEqual([])
      expect(await thrown(sender.executor('r').submit(far.plain))).toBeInstanceOf(RangeError)
      expect(reports).toEqual([
        'The option retryIf of the worker has failed for an error of work#plain',
      ])
      // If a worker cannot settle a job, the server gives the job out again only after 30 seconds.
      expect(getEventLoop().time() - begin).toBeLessThan(1_000)
    }
    await system.stop()
  }))

/** Runs a job that throws, on a worker with `options`. Returns its error, the reports, and the time in milliseconds. */
function failAt(
  options: WorkerOptions,
): Promise<{ error: unknown; reports: string[]; ms: number }> {
  return runVirtual(async () => {
    const reports = collectReports()
    const server = new MemoryServer()
    const system = await startMemoryNode(server, 'node', (own) => [
      own.worker('q', { work }, options),
    ])
    await sleep(1_000)
    let error: unknown
    const begin = getEventLoop().time()
    {
      await using sender = await cluster({ connector: server.connector }).connect()
      error = await thrown(waitFor(sender.executor('q').submit(far.plain), 1_000_000))
    }
    const ms = getEventLoop().time() - begin
    await system.stop()
    return { error, reports, ms }
  })
}

const noAnswers: readonly (readonly [() => unknown, string])[] = [
  [() => NaN, 'RangeError: the result of backoff must be at least 0 ms, got NaN'],
  [() => -5, 'RangeError: the result of backoff must be at least 0 ms, got -5'],
  [() => '5', 'TypeError: the result of backoff must be a number of milliseconds, got string 5'],
  [
    () => undefined,
    'TypeError: the result of backoff must be a number of milliseconds, got undefined',
  ],
  [
    (): never => {
      throw new Error('no')
    },
    'Error: no',
  ],
]

test.for(noAnswers)(
  'a job is tried again after the default delay if backoff returns no number: %s',
  async ([backoff, why]) => {
    const options = { retryIf: () => true, backoff: backoff as () => number, maxDeliver: 3 }
    const { error, reports, ms } = await failAt(options)
    expect(error).toBeInstanceOf(PoisonedJob)
    const report = `The option backoff of the worker has failed for an error of work#plain: ${why}`
    expect(reports).toEqual([report, report])
    expect(ms).toBeGreaterThan(3_000)
    expect(ms).toBeLessThan(4_000)
  },
)

test('a promise that retryIf returns does not count as true, and is reported', async () => {
  const { error, reports } = await failAt({ retryIf: (async () => false) as never })
  expect(error).toBeInstanceOf(RangeError)
  expect(reports).toEqual([
    'The option retryIf of the worker has failed for an error of work#plain: TypeError: the result of retryIf must be true or false, got a promise',
  ])
})

/** A codec for lists and for values that are not objects. */
const small: Codec = {
  encode: (value) => {
    if (Object(value) === value && !Array.isArray(value)) throw new Error('no objects')
    return cloneCodec.encode(value)
  },
  decode: (bytes) => cloneCodec.decode(bytes),
}

const many = {
  fail: (): never => {
    throw Object.assign(new RangeError('no'), { code: 'E_NO', big: 1n, at: new Date(0) })
  },
  object: (): object => ({}),
}
const farMany = remoteJobs<typeof many>('many')

test('a job fails with its own error even if the codec cannot encode errors', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    const system = await startMemoryNode(
      server,
      'node',
      (own) => [own.worker('q', { many })],
      silentLogger,
      { codec: small },
    )
    {
      const { connector } = server
      await using sender = await cluster({ connector, codec: small }).connect()
      const executor = sender.executor('q')
      const begin = getEventLoop().time()
      const failed = await thrown(executor.submit(farMany.fail))
      expect(failed).toBeInstanceOf(RangeError)
      expect(failed).toMatchObject({ message: 'no', code: 'E_NO' })
      const unsendable = await thrown(executor.submit(farMany.object))
      expect(String(unsendable)).toBe(
        'TypeError: the result of many#object cannot be sent: no objects',
      )
      expect(getEventLoop().time() - begin).toBeLessThan(1_000)
    }
    await system.stop()
  }))

const long = 'x'.repeat(3_000_000)
const large = {
  message: new RangeError(`begin ${long}`),
  property: Object.assign(new RangeError('begin'), { code: 'E_BIG', data: long }),
  cause: new RangeError('begin', { cause: new Error(`first ${long}`) }),
  list: new AggregateError(
    Array.from({ length: 100_000 }, (_, i) => new Error(`error ${i}`)),
    'begin',
  ),
  text: `begin ${long}`,
}
const throwing = {
  large: (what: keyof typeof large): never => {
    throw large[what] as Error
  },
}

test.for([1_048_576, 4_096])(
  "an error larger than the server's limit of %i bytes arrives with the beginning of its text",
  (maxPayload) =>
    runVirtual(async () => {
      const server = new MemoryServer({ maxPayload })
      const system = await startMemoryNode(server, 'node', (own) => [
        own.worker('q', { throwing }),
        own.worker('again', { throwing }, { retryIf: () => true, maxDeliver: 1 }),
      ])
      {
        await using sender = await cluster({ connector: server.connector }).connect()
        const job = remoteJobs<typeof throwing>('throwing').large
        const run = (what: keyof typeof large, queue = 'q'): Promise<unknown> =>
          thrown(sender.executor(queue).submit(job, what))
        const message = await run('message')
        expect(message).toBeInstanceOf(RangeError)
        expect((message as Error).message).toMatch(/^begin x+… \([0-9]+ more characters\)$/)
        expect((message as Error).stack).toMatch(/^RangeError: begin x/)
        expect(await run('property')).toMatchObject({ message: 'begin', code: 'E_BIG' })
        const { cause } = (await run('cause')) as Error
        expect((cause as Error).message).toMatch(/^first x+… /)
        const list = await run('list')
        expect(list).toBeInstanceOf(AggregateError)
        expect(list).toMatchObject({ message: 'begin' })
        expect(await run('text')).toMatch(/^begin x+… /)
        const poisoned = await run('message', 'again')
        expect(poisoned).toBeInstanceOf(PoisonedJob)
        expect(poisoned).toMatchObject({ deliveries: 1, job: 'throwing#large' })
        expect(((poisoned as Error).cause as Error).message).toMatch(/^begin x+… /)
      }
      await system.stop()
    }),
)

class Thrower extends Actor {
  large(what: keyof typeof large): never {
    throw new ReplyError('begin', { cause: large[what] })
  }
}

test('an ask gets the beginning of an error that is too large for a message', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    const system: ActorSystem = await startMemoryNode(server, 'node', (own) => [
      child.actor('thrower', Thrower),
      own.service('thrower', () => system.lookup(Thrower, 'tree/thrower')),
    ])
    {
      await using sender = await cluster({ connector: server.connector }).connect()
      const error = await thrown(sender.lookup<Thrower>('thrower').ask.large('message'))
      expect(error).toBeInstanceOf(ReplyError)
      expect(error).toMatchObject({ message: 'begin' })
      expect(((error as Error).cause as Error).message).toMatch(/^begin x+… /)
    }
    await system.stop()
  }))

test('an ask fails at once if the function of its service throws or returns no ref', () =>
  runVirtual(async () => {
    const reports = collectReports()
    const server = new MemoryServer()
    const system = await startMemoryNode(server, 'node', (own) => [
      own.service('proxy', () => {
        throw hostile()
      }),
      own.service('none', () => undefined as never),
      own.service('promise', (async () => null) as never),
    ])
    {
      await using sender = await cluster({ connector: server.connector }).connect()
      const begin = getEventLoop().time()
      const ask = async (name: string): Promise<string> =>
        String(await thrown(sender.lookup<Thrower>(name).ask.large('text')))
      expect(await ask('proxy')).toBe(
        'TypeError: the service proxy threw a value that cannot be looked at',
      )
      const needs = 'needs the ref of an actor, got'
      expect(await ask('none')).toBe(`TypeError: the service none ${needs} undefined`)
      expect(await ask('promise')).toBe(
        `TypeError: the service promise ${needs} an object of class Promise`,
      )
      expect(getEventLoop().time() - begin).toBeLessThan(1_000)
      expect(reports).toEqual([])
      // The sender of a tell gets no answer, so the node that loses the message reports it.
      await sender.lookup<Thrower>('none').tell.large('text')
      await sleep(1_000)
      expect(reports).toEqual([
        `The service none has lost a message: TypeError: the service none ${needs} undefined`,
      ])
    }
    await system.stop()
  }))

const reporting = {
  report: (kind: 'text' | 'function' | 'large'): string => {
    reportProgress({ text: 'half', function: () => 1, large: 'x'.repeat(2_000_000) }[kind])
    return 'done'
  },
}

test('a progress value that cannot be sent or read is reported, and the job still gives its result', () =>
  runVirtual(async () => {
    const reports = collectReports()
    const server = new MemoryServer()
    const system = await startMemoryNode(server, 'node', (own) => [own.worker('q', { reporting })])
    const decode = (bytes: Uint8Array): unknown => {
      const value = cloneCodec.decode(bytes)
      if (value === 'half') throw new Error('not that')
      return value
    }
    {
      const { connector } = server
      await using sender = await cluster({
        connector,
        codec: { ...cloneCodec, decode },
      }).connect()
      const executor = sender.executor('q')
      const { report } = remoteJobs<typeof reporting>('reporting')
      const seen: unknown[] = []
      const job = executor.submit(report, 'text').onProgress((value) => seen.push(value))
      expect(await job).toBe('done')
      expect(seen).toEqual([])
      expect(reports).toEqual([
        'A progress value of reporting#report cannot be read: Error: not that',
      ])
      const unsendable = await thrown(executor.submit(report, 'function'))
      expect(String(unsendable)).toMatch(
        /^JobSerializationError: a progress value of reporting#report cannot be sent: /,
      )
      const tooLarge = await thrown(executor.submit(report, 'large'))
      expect(String(tooLarge)).toMatch(
        /^PayloadTooLarge: a progress value of reporting#report has 2000\d\d\d bytes/,
      )
    }
    await system.stop()
  }))
