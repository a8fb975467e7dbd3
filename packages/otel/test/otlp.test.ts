import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { createTask, Future, run, sleep } from '@tasktree/core'
import { serve } from '@tasktree/http'
import { instrument } from '@tasktree/otel'
import { expect, test } from 'vitest'
import { enableContexts } from './support/recording.ts'

enableContexts()

/** The JSON that a receiver of OTLP over HTTP gets. */
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string }
      readonly spans: readonly {
        readonly name: string
        readonly traceId: string
        readonly spanId: string
        readonly parentSpanId?: string
        readonly status: { readonly code: number }
        readonly attributes: readonly { readonly key: string; readonly value: object }[]
      }[]
    }[]
  }[]
}

test('spans arrive at an OTLP receiver, and the sending makes no spans of its own', async () => {
  const received: ExportRequest[] = []
  await run(async () => {
    const arrived = new Future<void>()
    await using receiver = await serve(async (request) => {
      expect(new URL(request.url).pathname).toBe('/v1/traces')
      received.push((await request.json()) as ExportRequest)
      arrived.setResult()
      return Response.json({})
    })
    const exporter = new OTLPTraceExporter({
      url: `${receiver.url}/v1/traces`,
    })
    const tracerProvider = new TracerProvider({
      spanProcessors: [new BatchSpanProcessor({ exporter })],
    })
    {
      using _instrumentation = instrument({ tracerProvider })
      await createTask(
        async () => {
          const task = createTask(() => sleep(1e6), { name: 'inner' })
          await sleep(1)
          task.cancel()
          await task.catch(() => {})
        },
        { name: 'outer' },
      )
    }
    await tracerProvider.shutdown()
    await arrived
  })
  const scopes = received.flatMap((each) => each.resourceSpans.flatMap((one) => one.scopeSpans))
  expect(scopes.map(({ scope }) => scope.name)).toEqual(['@tasktree/otel'])
  const [inner, outer] = scopes.flatMap(({ spans }) => spans)
  expect(inner).toMatchObject({ name: 'inner', parentSpanId: outer?.spanId, status: { code: 0 } })
  expect(inner?.traceId).toBe(outer?.traceId)
  expect(inner?.attributes).toContainEqual({
    key: 'tasktree.cancelled',
    value: { boolValue: true },
  })
})
