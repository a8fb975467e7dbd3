import { hasSubscribers } from 'node:diagnostics_channel'
import { context, SpanStatusCode } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { instrument } from '@tasktree/otel'

/** Registers the context manager of OpenTelemetry. Without one, every span is a root. */
export function enableContexts(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
}

/** Keeps the spans of OpenTelemetry's real SDK in memory. */
export class Recording {
  readonly #exporter = new InMemorySpanExporter()
  readonly provider: TracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: this.#exporter })],
  })

  get spans(): ReadableSpan[] {
    return this.#exporter.getFinishedSpans()
  }

  /** Returns the only span with this name. */
  find(name: string): ReadableSpan {
    const found = this.spans.filter((span) => span.name === name)
    if (found.length !== 1) {
      const names = this.spans.map((span) => span.name).join(', ')
      throw new Error(`there are ${found.length} spans ${name} among ${names}`)
    }
    return found[0] as ReadableSpan
  }

  /** Returns the names of the spans as an indented tree, each below its parent. */
  tree(): string[] {
    const lines: string[] = []
    const visit = (parent: string | undefined, indent: string): void => {
      for (const span of this.spans) {
        if (span.parentSpanContext?.spanId !== parent) continue
        lines.push(indent + span.name)
        visit(span.spanContext().spanId, `${indent}  `)
      }
    }
    visit(undefined, '')
    return lines
  }
}

/** Runs `body` with the instrumentation, and returns the spans that have ended. */
export async function record(body: (recording: Recording) => Promise<unknown>): Promise<Recording> {
  enableContexts()
  const recording = new Recording()
  using _instrumentation = instrument({ tracerProvider: recording.provider })
  await body(recording)
  return recording
}

/** Returns the outcome of a span in a few words. */
export function outcomeOf({ status, attributes, events }: ReadableSpan): string {
  const cancelled = attributes['tasktree.cancelled'] === true ? ' cancelled' : ''
  const type = attributes['error.type']
  const error = typeof type === 'string' ? ` ${type}` : ''
  const noted = events.some(({ name }) => name === 'exception') ? ' noted' : ''
  return `${SpanStatusCode[status.code]}${cancelled}${error}${noted}`
}

export const idOf = (span: ReadableSpan): string => span.spanContext().spanId
export const parentOf = (span: ReadableSpan): string | undefined => span.parentSpanContext?.spanId
export const linksOf = (span: ReadableSpan): string[] =>
  span.links.map((link) => link.context.spanId)

const works = ['task', 'executor.job', 'executor.run', 'actor.ask', 'actor.message', 'actor.serve']
const others = ['process', 'http.request', 'flow.attempt']
const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']

/** Returns the names of the channels of Tasktree that have a subscriber. */
export function subscribedChannels(): string[] {
  const names = [...works, ...others].flatMap((work) =>
    events.map((event) => `tracing:tasktree:${work}:${event}`),
  )
  names.push('tasktree:actor:tell', 'tasktree:actor:restart')
  return names.filter((name) => hasSubscribers(name))
}
