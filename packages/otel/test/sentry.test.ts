import * as Sentry from '@sentry/node'
import { createTask, run, sleep, taskGroup } from '@tasktree/core'
import { instrument } from '@tasktree/otel'
import { afterAll, beforeAll, expect, test } from 'vitest'

const options = {
  dsn: 'https://key@sentry.invalid/1',
  tracesSampleRate: 1,
  traceLifecycle: 'static' as const,
  defaultIntegrations: false as const,
}

/** The events that Sentry would send. */
const sent: Sentry.Event[] = []
const keep = <E extends Sentry.Event>(event: E): null => {
  sent.push(event)
  return null
}

beforeAll(() => {
  Sentry.init({
    ...options,
    enableOpenTelemetrySetup: true,
    beforeSend: keep,
    beforeSendTransaction: keep,
  })
})

afterAll(() => Sentry.close(100))

test('each request has its own Sentry scope, through awaits and child tasks', async () => {
  const seen: unknown[] = []
  const handle = (tenant: string, wait: number): Promise<void> =>
    Sentry.withIsolationScope(async (scope) => {
      scope.setTag('tenant', tenant)
      await sleep(wait)
      await taskGroup(async (group) => {
        group.createTask(async () => {
          await sleep(wait)
          seen.push(Sentry.getIsolationScope().getScopeData().tags)
          Sentry.captureException(new Error(tenant))
        })
      })
    })
  await run(() => Promise.all([createTask(() => handle('a', 2)), createTask(() => handle('b', 3))]))
  expect(seen).toEqual([{ tenant: 'a' }, { tenant: 'b' }])
  const errors = sent.filter(({ exception }) => exception !== undefined)
  expect(errors.map(({ exception, tags }) => [exception?.values?.[0]?.value, tags])).toEqual([
    ['a', { tenant: 'a' }],
    ['b', { tenant: 'b' }],
  ])
})

test('spans of tasks are children of Sentry spans, and Sentry spans are children of spans of tasks', async () => {
  using _instrumentation = instrument()
  await run(async () => {
    await Sentry.startSpan({ name: 'checkout' }, async () => {
      await createTask(
        async () => {
          await sleep(1)
          await Sentry.startSpan({ name: 'own' }, () => sleep(1))
        },
        { name: 'task' },
      )
    })
  })
  const { spans = [], contexts } = sent.find(({ transaction }) => transaction === 'checkout') ?? {}
  const task = spans.find(({ description }) => description === 'task')
  const own = spans.find(({ description }) => description === 'own')
  expect(task?.parent_span_id).toBe(contexts?.trace?.span_id)
  expect(own?.parent_span_id).toBe(task?.span_id)
})
