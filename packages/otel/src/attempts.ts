import type { Tracer } from '@opentelemetry/api'
import { spansOfChannel } from './channel-spans.ts'

interface AttemptTrace {
  readonly name: string
  readonly attempt: number
}

/** Makes a span for each attempt of `retry` of `@tasktree/flow`. */
export function watchAttempts(tracer: Tracer): Disposable {
  return spansOfChannel<AttemptTrace>('tasktree:flow.attempt', tracer, ({ name, attempt }) => ({
    name: name === '' ? 'attempt' : `attempt ${name}`,
    attributes: { 'tasktree.attempt': attempt },
  }))
}
