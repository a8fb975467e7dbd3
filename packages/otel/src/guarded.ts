import { diag } from '@opentelemetry/api'

/**
 * Returns a function that calls `call`. If `call` throws, the error goes to the logger of OpenTelemetry. The reason: `call`
 * uses providers, samplers and processors, which are code of other libraries. Without the guard, an error of that code in a
 * subscriber of a diagnostics channel would end the program as an uncaught exception.
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
