import { isCancelled } from '@tasktree/core'
import type { Bus } from '../bus/bus.ts'

/** Ends a subscription, and waits until what the server has sent for it has arrived. */
export async function endSubscription(bus: Bus, unsubscribe: (() => void) | null): Promise<void> {
  if (bus.status === 'closed') return
  unsubscribe?.()
  try {
    if (bus.status === 'connected') await bus.flush()
  } catch (error) {
    // Nothing arrives any more over a connection that was lost or has ended.
    if (isCancelled(error)) throw error
  }
}
