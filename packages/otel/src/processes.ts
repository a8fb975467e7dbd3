import { basename } from 'node:path'
import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { spansOfChannel } from './channel-spans.ts'

interface ProcessTrace {
  readonly process: { readonly returncode: number | null }
  readonly pid: number
  readonly program: string
  readonly cancelled?: boolean
}

/**
 * Makes a span for each child process, from its start to its exit. If the exit code is not 0, the span has the status of an
 * error, unless this program has ended the process.
 *
 * Source: the semantic conventions of OpenTelemetry for command line programs, client spans
 */
export function watchProcesses(tracer: Tracer): Disposable {
  return spansOfChannel<ProcessTrace>('tasktree:process', tracer, (trace) => {
    const name = basename(trace.program)
    return {
      name,
      kind: SpanKind.CLIENT,
      attributes: { 'process.executable.name': name, 'process.pid': trace.pid },
      ending: (span) => {
        const { returncode } = trace.process
        if (returncode === null) return false
        span.setAttribute('process.exit.code', returncode)
        if (returncode !== 0 && trace.cancelled !== true) {
          const how =
            returncode < 0 ? `ended by signal ${-returncode}` : `exited with ${returncode}`
          span.setStatus({ code: SpanStatusCode.ERROR, message: how })
          span.setAttribute('error.type', String(returncode))
        }
        return true
      },
    }
  })
}
