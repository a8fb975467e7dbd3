import { sleep } from '@tasktree/core'
import type { WorkerState } from './worker-state.ts'

/**
 * Tells the server three times in each `ackWait` that the jobs of a worker are in progress; otherwise the server would give
 * them to other workers. Also asks the server whether the jobs were cancelled. Runs until it is cancelled.
 */
export async function keepJobsAlive(worker: WorkerState): Promise<never> {
  for (;;) {
    await sleep(worker.ackWait / 3)
    if (worker.link.status !== 'connected') continue
    const runs = worker.unsettled
    for (const run of [...runs, ...worker.burying]) run.delivery.working()
    for (const run of runs) if (await run.wasCancelled()) run.cancel()
  }
}
