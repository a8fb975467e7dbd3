import { type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import { watchAsks } from './asks.ts'
import { watchAttempts } from './attempts.ts'
import { watchJobs } from './jobs.ts'
import { observeMetrics } from './metrics.ts'
import { watchProcesses } from './processes.ts'
import { watchRequests } from './requests.ts'
import { watchTasks } from './tasks.ts'
import { joinDisposables } from './join-disposables.ts'

export interface InstrumentOptions {
  /** Makes the tracer. The default is the global provider, even if it is registered after the call of `instrument`. */
  tracerProvider?: TracerProvider | undefined
  /** Makes the meter. The default is the global provider, which must be registered before the call of `instrument`. */
  meterProvider?: MeterProvider | undefined
}

/** The name of the tracer and of the meter. OpenTelemetry calls this name the instrumentation scope. */
const scope = '@tasktree/otel'

/**
 * Begins to make spans and metrics of this thread. Disposing of the result removes all subscriptions, and ends the open
 * spans. Call this function once, because each call makes its own spans.
 *
 * There is a span for each task that has a name, each job of a pool, each ask, each message that an actor handles, each
 * child process, each request to a server of `@tasktree/http`, and each attempt of `retry`. The span of a piece of work
 * is the active span while the work runs, so spans of other libraries become its children. Without a context manager
 * of OpenTelemetry no span is active. Then a span has a parent only if its message, job or request carries the parent.
 *
 * A worker thread or process of a pool must call this function too, for example in the `initializer` of the pool. The span
 * of the job in the worker is then a child of the span of its submission.
 *
 * The span of cancelled work has the attribute `tasktree.cancelled`. A cancel is never reported as an error.
 *
 * @throws {TypeError} when an option is not a provider
 *
 * @example
 *     import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
 *
 *     const exporter = new InMemorySpanExporter() // a program has one that sends the spans
 *     const spanProcessors = [new SimpleSpanProcessor({ exporter })]
 *     using _ = instrument({ tracerProvider: new TracerProvider({ spanProcessors }) })
 *     await createTask(() => sleep(1), { name: 'checkout' })
 *     console.log(exporter.getFinishedSpans().map(({ name }) => name)) // [ 'checkout' ]
 */
export function instrument(options: InstrumentOptions = {}): Disposable {
  checkOptions(options)
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } =
    options
  if (typeof tracerProvider?.getTracer !== 'function') {
    throw new TypeError(
      `the option tracerProvider must be a TracerProvider, got ${describe(tracerProvider)}`,
    )
  }
  if (typeof meterProvider?.getMeter !== 'function') {
    throw new TypeError(
      `the option meterProvider must be a MeterProvider, got ${describe(meterProvider)}`,
    )
  }
  const tracer = tracerProvider.getTracer(scope)
  // The meter comes first: if it throws, nothing is subscribed yet.
  const observation = observeMetrics(meterProvider.getMeter(scope))
  const watches = [watchTasks, watchJobs, watchAsks, watchProcesses, watchRequests, watchAttempts]
  return joinDisposables(observation, ...watches.map((watch) => watch(tracer)))
}
