import { currentIncarnation } from '../messages/handler-flow.ts'
import { formatThrown } from '../exit-reason.ts'
import type { Runtime } from './runtime.ts'

/**
 * Finds the actor whose handler left a rejected promise behind: the rejection is reported in the asynchronous
 * context it came from, and so in the actor's task. Rejections of nobody here end the process as they
 * would without this, unless another listener takes them.
 */
const runtimes = new Set<Runtime>()

function listener(error: unknown): void {
  const source = currentIncarnation()
  const runtime = source?.child.runtime
  if (source !== null && runtime !== undefined && runtimes.has(runtime)) {
    const { child, number: incarnation } = source
    const { path, id } = child
    runtime.log.error(`${path} left a promise behind that rejected: ${formatThrown(error)}`, error)
    if (runtime.observed)
      runtime.emit({ type: 'unhandled-rejection', path, id, incarnation, error })
    return
  }
  if (process.listenerCount('unhandledRejection') > 1) return
  throw error
}

export function watchRejections(runtime: Runtime): void {
  if (runtimes.size === 0) process.on('unhandledRejection', listener)
  runtimes.add(runtime)
}

export function unwatchRejections(runtime: Runtime): void {
  if (runtimes.delete(runtime) && runtimes.size === 0) process.off('unhandledRejection', listener)
}
