import { currentTask } from '@tasktree/core'
import { activityOf } from './activity.ts'
import { formatThrown } from './exit-reason.ts'
import type { Home } from './home.ts'

/**
 * Finds the actor whose handler left a rejected promise behind: the rejection is reported in the asynchronous
 * context it came from, and so in the actor's task. Rejections of nobody here end the process as they
 * would without this, unless another listener takes them.
 */
const homes = new Set<Home>()

function listener(error: unknown): void {
  const activity = activityOf(currentTask())
  const home = activity?.run.slot.home
  if (activity !== null && home !== undefined && homes.has(home)) {
    const { slot, number: incarnation } = activity.run
    const { path, id } = slot
    home.log.error(`${path} left a promise behind that rejected: ${formatThrown(error)}`, error)
    if (home.observed) home.emit({ type: 'unhandled-rejection', path, id, incarnation, error })
    return
  }
  if (process.listenerCount('unhandledRejection') > 1) return
  throw error
}

export function watchRejections(home: Home): void {
  if (homes.size === 0) process.on('unhandledRejection', listener)
  homes.add(home)
}

export function unwatchRejections(home: Home): void {
  if (homes.delete(home) && homes.size === 0) process.off('unhandledRejection', listener)
}
