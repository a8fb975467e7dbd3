import { context, createContextKey, trace } from '@opentelemetry/api'
import { createTask, gather, isCancelled, sleep, taskGroup, timeout } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { retry } from '@tasktree/flow'
import { instrument } from '@tasktree/otel'
import { expect, test } from 'vitest'
import { outcomeOf, record, Recording, subscribedChannels } from './support/recording.ts'

test('a named task has a span, and a task without a name passes on the span of its creator', async () => {
  const recording = await record(() =>
    runVirtual(async () => {
      const outer = createTask(
        async () => {
          await sleep(1)
          await createTask(async () => {
            await sleep(1)
            await createTask(() => sleep(1), { name: 'inner' })
          })
          await taskGroup(async (group) => {
            group.createTask(() => sleep(1), { name: 'first' })
            group.createTask(() => sleep(2), { name: 'second' })
            await sleep(3)
          })
        },
        { name: 'outer' },
      )
      await outer
      await createTask(() => sleep(1), { name: 'beside' })
    }),
  )
  expect(recording.tree()).toEqual(['outer', '  inner', '  first', '  second', 'beside'])
  expect(recording.find('inner').attributes['tasktree.task.id']).toBeTypeOf('number')
})

test('a task has the span of its creator as parent, even if that span has ended before the task runs', async () => {
  const recording = await record(({ provider }) =>
    runVirtual(async () => {
      const tracer = provider.getTracer('own')
      const late = tracer.startActiveSpan('request', (span) => {
        const task = createTask(() => sleep(5), { name: 'late' })
        span.end()
        return task
      })
      await late
    }),
  )
  expect(recording.tree()).toEqual(['request', '  late'])
})

test('the span of a failed task has an error with its exception, and that of a cancelled task an attribute', async () => {
  const recording = await record(() =>
    runVirtual(async () => {
      const failing = createTask(
        async () => {
          await sleep(1)
          throw new RangeError('too far')
        },
        { name: 'failing' },
      )
      await failing.catch(() => {})
      const cancelled = createTask(() => sleep(1e6), { name: 'cancelled' })
      await sleep(1)
      cancelled.cancel()
      await cancelled.catch(isCancelled)
      const late = createTask(() => timeout(5, () => sleep(1e6)), { name: 'late' })
      await late.catch(() => {})
      await createTask(async () => 'done', { name: 'good' })
    }),
  )
  expect(recording.spans.map((span) => `${span.name}: ${outcomeOf(span)}`)).toEqual([
    'failing: ERROR RangeError noted',
    'cancelled: UNSET cancelled',
    'late: ERROR TimeoutError noted',
    'good: UNSET',
  ])
  expect(recording.find('failing').status.message).toBe('too far')
})

test('a context that another library sets inside a task is kept through awaits and in tasks made there', async () => {
  const key = createContextKey('tenant')
  const tenant = (): unknown => context.active().getValue(key)
  const seen: unknown[] = []
  const recording = await record(({ provider }) =>
    runVirtual(async () => {
      const tracer = provider.getTracer('own')
      await context.with(context.active().setValue(key, 'outside'), () =>
        createTask(
          async () => {
            seen.push(tenant())
            await context.with(context.active().setValue(key, 'inside'), async () => {
              await sleep(1)
              seen.push(tenant())
              await gather([
                createTask(async () => {
                  await sleep(1)
                  seen.push(tenant())
                }),
                createTask(async () => void seen.push(tenant()), { name: 'child' }),
              ])
              await tracer.startActiveSpan('own', async (span) => {
                await sleep(1)
                seen.push(trace.getActiveSpan() === span)
                await createTask(() => sleep(1), { name: 'in own' })
                span.end()
              })
            })
            seen.push(tenant())
          },
          { name: 'task' },
        ),
      )
    }),
  )
  expect(seen).toEqual(['outside', 'inside', 'inside', 'inside', true, 'outside'])
  expect(recording.tree()).toEqual(['task', '  child', '  own', '    in own'])
})

test('a task of a generator function has a span too', async () => {
  const recording = await record(() =>
    runVirtual(function* () {
      yield* createTask(
        function* () {
          yield* sleep(1)
          yield* createTask(() => sleep(1), { name: 'inner' })
        },
        { name: 'generator' },
      )
    }),
  )
  expect(recording.tree()).toEqual(['generator', '  inner'])
})

test('each attempt of retry has a span', async () => {
  const recording = await record(() =>
    runVirtual(async () => {
      await createTask(
        () =>
          retry(
            async function fetchPrices(attempt: number) {
              await createTask(() => sleep(1), { name: `work ${attempt}` })
              if (attempt < 3) throw new Error('not yet')
            },
            { attempts: 3 },
          ),
        { name: 'caller' },
      )
      const cancelled = createTask(() => retry(() => sleep(1e6), { timeout: 1e5 }))
      await sleep(1)
      cancelled.cancel()
      await cancelled.catch(isCancelled)
    }),
  )
  expect(recording.tree()).toEqual([
    'caller',
    '  attempt fetchPrices',
    '    work 1',
    '  attempt fetchPrices',
    '    work 2',
    '  attempt fetchPrices',
    '    work 3',
    'attempt',
  ])
  const attempts = recording.spans.filter(({ name }) => name.startsWith('attempt'))
  expect(
    attempts.map((span) => `${String(span.attributes['tasktree.attempt'])} ${outcomeOf(span)}`),
  ).toEqual(['1 ERROR Error noted', '2 ERROR Error noted', '3 UNSET', '1 UNSET cancelled'])
})

test('the span of an attempt that throws undefined has failed', async () => {
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a program may throw any value
  const attempt = (): Promise<never> => Promise.reject(undefined)
  const recording = await record(() =>
    runVirtual(() => retry(attempt, { attempts: 1 }).catch(() => {})),
  )
  expect(outcomeOf(recording.find('attempt attempt'))).toBe('ERROR _OTHER noted')
})

test('disposal of the instrumentation ends open spans and unsubscribes, and no new spans begin', async () => {
  const recording = new Recording()
  await runVirtual(async () => {
    const instrumentation = instrument({ tracerProvider: recording.provider })
    const open = createTask(() => sleep(10), { name: 'open' })
    await sleep(1)
    instrumentation[Symbol.dispose]()
    expect(recording.tree()).toEqual(['open'])
    await open
    await createTask(() => sleep(1), { name: 'later' })
  })
  expect(recording.tree()).toEqual(['open'])
  expect(subscribedChannels()).toEqual([])
})

test('two instrumentations each make a span for every task', async () => {
  const first = new Recording()
  const second = new Recording()
  using _first = instrument({ tracerProvider: first.provider })
  using _second = instrument({ tracerProvider: second.provider })
  await runVirtual(async () => {
    await createTask(() => createTask(() => sleep(1), { name: 'b' }), { name: 'a' })
  })
  expect(first.spans.map(({ name }) => name)).toEqual(['b', 'a'])
  expect(second.spans.map(({ name }) => name)).toEqual(['b', 'a'])
})

test('an option of instrument() that is not a provider is refused before anything is subscribed', () => {
  expect(() => instrument({ tracerProvider: {} as never })).toThrow(
    'the option tracerProvider must be a TracerProvider, got an object',
  )
  expect(() => instrument({ meterProvider: 7 as never })).toThrow(
    'the option meterProvider must be a MeterProvider, got number 7',
  )
  expect(() => instrument(7 as never)).toThrow(TypeError)
  expect(subscribedChannels()).toEqual([])
})
