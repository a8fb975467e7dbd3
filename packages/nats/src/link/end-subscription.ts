import { isCancelled } from '@tasktree/core'
import type { Bus } from '../bus/bus.ts'

/** Ends a subscription or the requests of a puller, and waits until what the server has sent for it has arrived. */
export async function endSubscription(bus: Bus, unsubscribe: (() => void) | null): Promise<void> {
  unsubscribe?.()
  try {
    if (bus.status === 'connected') await bus.flush()
  } catch (error) {
    // Nothing arrives any more over a connection that was lost or has ended.
    if (isCancelled(error)) throw error
  }
}
