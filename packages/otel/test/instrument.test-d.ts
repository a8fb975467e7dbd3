import { metrics, trace } from '@opentelemetry/api'
import { instrument, type InstrumentOptions } from '@tasktree/otel'
import { expectTypeOf, test } from 'vitest'

test('instrument() takes the providers of the OpenTelemetry API and returns a Disposable', () => {
  expectTypeOf(instrument).toBeCallableWith()
  expectTypeOf(instrument).toBeCallableWith({
    tracerProvider: trace.getTracerProvider(),
    meterProvider: metrics.getMeterProvider(),
  })
  expectTypeOf(instrument()).toEqualTypeOf<Disposable>()
  // @ts-expect-error -- a tracer is not a provider
  const wrong: InstrumentOptions = { tracerProvider: trace.getTracer('x') }
  void wrong
})
