import { SystemClock } from '../loop/clock.ts'

/** The main task of a run, or a wait of the clean-up of a run. */
export interface Waiting {
  /**
   * Called when the run still waits although nothing can happen any more: Node is about to exit, or, in virtual time,
   * every task waits and neither a timer nor real I/O can wake one.
   */
  deadlocked(): void
}

const systemClock = new SystemClock()
const watched = new Set<Waiting>()

/**
 * Calls `run.deadlocked()` when Node is about to exit, until the returned function is called. All runs in the process
 * share one listener.
 */
export function watchForDeadlock(run: Waiting): () => void {
  watched.add(run)
  if (watched.size === 1) process.on('beforeExit', onBeforeExit)
  return () => {
    watched.delete(run)
    if (watched.size === 0) process.off('beforeExit', onBeforeExit)
  }
}

function onBeforeExit(): void {
  for (const run of watched) run.deadlocked()
  // `deadlocked()` cancels tasks, and their clean-up runs in microtasks, which do not keep the process alive. This
  // empty callback keeps the process alive until Node has handled I/O once more. If nothing else keeps the process
  // alive then, Node emits `beforeExit` again, so a clean-up that hangs is found too.
  systemClock.yieldToIO(() => {})
}
