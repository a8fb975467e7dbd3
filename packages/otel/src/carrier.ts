import {
  context as contexts,
  type Context,
  isSpanContextValid,
  isValidSpanId,
  isValidTraceId,
  type Link,
  propagation,
  trace,
  TraceFlags,
} from '@opentelemetry/api'

/** Text fields that carry a context to another thread, process or machine. */
export type Carrier = Readonly<Record<string, string>>

/**
 * Returns the fields for `context`: the fields that the registered propagator writes, and `traceparent` of W3C if
 * `context` has a valid span. `traceparent` is there even if the propagator does not write it, because messages on NATS
 * have room for this field only.
 */
export function inject(context: Context): Carrier {
  const carrier: Record<string, string> = {}
  propagation.inject(context, carrier)
  const span = trace.getSpanContext(context)
  if (carrier['traceparent'] === undefined && span !== undefined && isSpanContextValid(span)) {
    const flags = span.traceFlags.toString(16).padStart(2, '0')
    carrier['traceparent'] = `00-${span.traceId}-${span.spanId}-${flags}`
  }
  return carrier
}

/**
 * Returns the active context without its span. A span that begins in the returned context is the root of a trace. The
 * values that other libraries have set in the active context are kept.
 */
export function withoutSpan(): Context {
  return trace.deleteSpan(contexts.active())
}

/** Returns the active context with the span that the fields of `carrier` describe; without a span if they describe none. */
export function extract(carrier: Carrier | null): Context {
  const outside = withoutSpan()
  if (carrier === null) return outside
  const context = propagation.extract(outside, carrier)
  if (trace.getSpanContext(context) !== undefined) return context
  const [, traceId, spanId, flags] =
    /^00-(\w{32})-(\w{16})-(\w{2})$/.exec(carrier['traceparent'] ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return context
  if (!isValidTraceId(traceId) || !isValidSpanId(spanId)) return context
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED
  return trace.setSpanContext(context, { traceId, spanId, traceFlags, isRemote: true })
}

/** Returns a list with a link to the span of `context`. The list is empty if `context` has no span. */
export function linkTo(context: Context | undefined): Link[] {
  const span = context === undefined ? undefined : trace.getSpanContext(context)
  return span === undefined ? [] : [{ context: span }]
}
