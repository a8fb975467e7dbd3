import { diag } from '@opentelemetry/api'

/**
 * Returns a function that calls `call`, and reports to the logger of OpenTelemetry what it throws. Providers, samplers and
 * processors are code of other libraries. Without the guard, an error of theirs in a subscriber of a channel would end the
 * program as an uncaught exception.
 */
export function guarded<A extends unknown[]>(call: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      call(...args)
    } catch (error) {
      diag.error('@tasktree/otel: OpenTelemetry has thrown', error)
    }
  }
}
