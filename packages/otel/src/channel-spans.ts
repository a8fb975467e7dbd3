import { tracingChannel } from 'node:diagnostics_channel'
import {
  type Attributes,
  context,
  type Context,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import {
  describe as describeValue,
  type TraceEntry,
  type TraceOutcome,
} from '@tasktree/core/lowlevel'
import { guarded } from './guarded.ts'

/** The data that a span is made from. */
export interface SpanData {
  readonly name: string
  readonly kind?: SpanKind
  readonly attributes?: Attributes
  readonly links?: Link[]
  /** The context whose span is the parent; by default the active context. */
  readonly parent?: Context
  /** Called when the span has begun, with a context in which the span is active. */
  readonly begun?: (inside: Context) => void
  /** Called before the span ends. Must return true if an error of the work must not change the status of the span. */
  readonly ending?: (span: Span) => boolean
}

type Message = TraceEntry & TraceOutcome

/** The spans that this package has made. The spans of other libraries are not in this set. */
const made = new WeakSet<Span>()

/** Whether another library has made the span. */
export function isForeign(span: Span): boolean {
  return !made.has(span)
}

interface OpenSpan {
  readonly span: Span
  readonly ending: SpanData['ending']
}

/**
 * Makes a span for each piece of work that is published on a TracingChannel of Tasktree. `describe` returns the data for
 * the span, or null for no span. The span is active while the work runs. Disposing of the result unsubscribes from the
 * channel and ends the open spans.
 *
 * To make the span active, this function sets `enter` on the message of the channel. The code that publishes the message
 * begins the work inside `enter`. The documented way, `bindStore`, needs the AsyncLocalStorage of the context manager.
 * The context managers of OpenTelemetry and Sentry keep their AsyncLocalStorage in a private field.
 */
export function spansOfChannel<M extends object>(
  channel: string,
  tracer: Tracer,
  describe: (message: M) => SpanData | null,
): Disposable {
  const open = new Map<object, OpenSpan>()
  const start = guarded((message: M & Message): void => {
    const work = describe(message)
    if (work === null) return
    const { parent = context.active(), kind = SpanKind.INTERNAL, attributes = {} } = work
    const { name, links = [], begun, ending } = work
    const span = tracer.startSpan(name, { kind, attributes, links }, parent)
    const inside = trace.setSpan(parent, span)
    made.add(span)
    open.set(message, { span, ending })
    const { enter } = message
    message.enter = (begin) =>
      context.with(inside, enter === undefined ? begin : () => enter(begin))
    begun?.(inside)
  })
  const asyncEnd = guarded((message: M & Message): void => {
    const opened = open.get(message)
    if (opened === undefined) return
    open.delete(message)
    end(opened, message)
  })
  const channels = tracingChannel<object, object>(channel)
  channels.start.subscribe(start as Listener)
  channels.asyncEnd.subscribe(asyncEnd as Listener)
  return {
    [Symbol.dispose]: () => {
      channels.start.unsubscribe(start as Listener)
      channels.asyncEnd.unsubscribe(asyncEnd as Listener)
      for (const { span } of open.values()) guarded(() => span.end())()
      open.clear()
    },
  }
}

type Listener = (message: unknown) => void

function end({ span, ending }: OpenSpan, outcome: TraceOutcome): void {
  try {
    const hasStatus = ending?.(span) ?? false
    if (outcome.cancelled === true) span.setAttribute('tasktree.cancelled', true)
    else if ('error' in outcome) noteError(span, outcome.error, hasStatus)
  } finally {
    span.end()
  }
}

function noteError(span: Span, error: unknown, hasStatus: boolean): void {
  const exception = exceptionOf(error)
  const isError = typeof exception !== 'string'
  if (!hasStatus) {
    const message = isError ? exception.message : exception
    span.setStatus({ code: SpanStatusCode.ERROR, message })
    span.setAttribute('error.type', isError ? exception.name : '_OTHER')
  }
  span.recordException(exception)
}

/**
 * Returns what a span shows of a thrown value. An error whose properties are texts is shown as it is. The properties of
 * another error may have any type, or throw when they are read, so a copy with texts is shown.
 */
function exceptionOf(thrown: unknown): Pick<Error, 'name' | 'message'> | string {
  if (!isError(thrown)) return textOf(thrown)
  const [name, message, stack] = (['name', 'message', 'stack'] as const).map((key) =>
    readText(thrown, key),
  )
  if (name != null && message != null && stack != null) return thrown
  return { name: name ?? 'Error', message: message ?? describeValue(thrown) }
}

function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error
  } catch {
    return false
  }
}

/** Returns a property of an error: '' if it is missing, and null if it is not a text or throws when it is read. */
function readText(error: Error, key: 'name' | 'message' | 'stack'): string | null {
  try {
    const value: unknown = error[key] ?? ''
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}

/** Returns a value as text. If the conversion to text throws, describes the value. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return describeValue(thrown)
  }
}
