/** Tests providers of other libraries that throw, and programs that throw any value. Neither may end the program. */
import {
  createNoopMeter,
  diag,
  DiagLogLevel,
  type Meter,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import { createTask, isCancelled, sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { instrument } from '@tasktree/otel'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  enableContexts,
  outcomeOf,
  record,
  Recording,
  subscribedChannels,
} from './support/recording.ts'

const uncaught: unknown[] = []
const note = (error: unknown): void => void uncaught.push(error)
let listeners: NodeJS.UncaughtExceptionListener[] = []

beforeEach(() => {
  uncaught.length = 0
  listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException').on('uncaughtException', note)
})

afterEach(() => {
  process.off('uncaughtException', note)
  for (const listener of listeners) process.on('uncaughtException', listener)
  diag.disable()
})

async function work(): Promise<void> {
  await createTask(() => sleep(1), { name: 'good' })
  const failing = async (): Promise<never> => {
    await sleep(1)
    throw new RangeError('too far')
  }
  await createTask(failing, { name: 'failing' }).catch(() => {})
  const cancelled = createTask(() => sleep(1e6), { name: 'cancelled' })
  await sleep(1)
  cancelled.cancel()
  await cancelled.catch(isCancelled)
}

/** Makes a tracer that throws in `method`, or whose spans throw in that method. */
function throwing(recording: Recording, method: keyof Tracer | keyof Span): Tracer {
  const boom = (): never => {
    throw new Error(`boom ${method}`)
  }
  const tracer = recording.provider.getTracer('real')
  return {
    startActiveSpan: boom,
    startSpan: (...args) => {
      if (method === 'startSpan') boom()
      return Object.assign(tracer.startSpan(...args), { [method]: boom })
    },
  }
}

test.each(['startSpan', 'end', 'setAttribute', 'recordException', 'setStatus'] as const)(
  'the program goes on if %s of OpenTelemetry throws, and the logger of OpenTelemetry gets the error',
  async (method) => {
    enableContexts()
    const error = vi.fn()
    const silent = (): void => {}
    const logger = { error, warn: silent, info: silent, debug: silent, verbose: silent }
    diag.setLogger(logger, DiagLogLevel.ERROR)
    const tracer = throwing(new Recording(), method)
    const instrumentation = instrument({ tracerProvider: { getTracer: () => tracer } })
    await runVirtual(async () => {
      await work()
      const open = ['one', 'two'].map((name) => createTask(() => sleep(10), { name }))
      await sleep(1)
      instrumentation[Symbol.dispose]()
      for (const task of open) await task
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(uncaught).toEqual([])
    expect(subscribedChannels()).toEqual([])
    expect(String(error.mock.calls[0]?.[1])).toBe(`Error: boom ${method}`)
  },
)

test('a span ends even if its status cannot be set', async () => {
  enableContexts()
  const recording = new Recording()
  const tracer = throwing(recording, 'setStatus')
  using _instrumentation = instrument({ tracerProvider: { getTracer: () => tracer } })
  await runVirtual(work)
  expect(recording.spans.map(({ name }) => name)).toEqual(['good', 'failing', 'cancelled'])
})

test('an instrument() whose meter cannot be made throws and subscribes to nothing', () => {
  const fail = (): never => {
    throw new Error('no meter')
  }
  expect(() => instrument({ meterProvider: { getMeter: fail } })).toThrow('no meter')
  const meter: Meter = Object.create(createNoopMeter(), { createCounter: { value: fail } })
  expect(() => instrument({ meterProvider: { getMeter: () => meter } })).toThrow('no meter')
  expect(subscribedChannels()).toEqual([])
})

test('any value that a task throws is recorded on the span of the task', async () => {
  const boom = (): never => {
    throw new Error('unreadable')
  }
  const unreadable = (key: string): Error =>
    Object.defineProperty(new Error('far'), key, { get: boom })
  const revocable = Proxy.revocable({}, {})
  revocable.revoke()
  const values: Record<string, unknown> = {
    'without a prototype': Object.create(null),
    'a symbol': Symbol('s'),
    'without a text': {
      toString: () => {
        throw new Error('no text')
      },
    },
    'an unreadable error': unreadable('message'),
    'an unreadable name': unreadable('name'),
    'an unreadable stack': unreadable('stack'),
    'a number as the message': Object.assign(new Error(), { message: 5 }),
    'a symbol as the name': Object.assign(new Error('far'), { name: Symbol('name') }),
    'a proxy that throws': new Proxy(new Error(), { get: boom, getPrototypeOf: boom }),
    'a revoked proxy': revocable.proxy,
  }
  const recording = await record(() =>
    runVirtual(async () => {
      for (const [name, value] of Object.entries(values)) {
        const failing = async (): Promise<never> => {
          await sleep(1)
          throw value
        }
        await createTask(failing, { name }).catch(() => {})
      }
    }),
  )
  await new Promise((resolve) => setImmediate(resolve))
  expect(uncaught).toEqual([])
  expect(recording.spans.map((span) => `${span.name}: ${outcomeOf(span)}`)).toEqual([
    'without a prototype: ERROR _OTHER noted',
    'a symbol: ERROR _OTHER noted',
    'without a text: ERROR _OTHER noted',
    'an unreadable error: ERROR Error noted',
    'an unreadable name: ERROR Error noted',
    'an unreadable stack: ERROR Error noted',
    'a number as the message: ERROR Error noted',
    'a symbol as the name: ERROR Error noted',
    'a proxy that throws: ERROR _OTHER noted',
    'a revoked proxy: ERROR _OTHER noted',
  ])
  for (const { status, events } of recording.spans) {
    const texts = [status.message, events[0]?.attributes?.['exception.message']]
    expect(texts.map((text) => typeof text)).toEqual(['string', 'string'])
  }
})
