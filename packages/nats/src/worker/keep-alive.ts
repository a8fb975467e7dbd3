import { sleep, taskGroup } from '@tasktree/core'
import { Signal } from '../link/signal.ts'
import type { WorkerState } from './worker-state.ts'

/** Keeps the jobs of a worker, and finds out which of them were cancelled. Runs until it is cancelled. */
export async function keepJobsAlive(worker: WorkerState): Promise<void> {
  await taskGroup(async (group) => {
    group.createTask(() => report(worker))
    // This is a separate task, because the questions may take long, and the reports must not be late.
    group.createTask(() => findCancelled(worker))
  })
}

/**
 * Tells the server three times in each `ackWait`, and after each reconnect, that the jobs are in progress. Otherwise the server
 * would give them to other workers.
 */
async function report(worker: WorkerState): Promise<never> {
  const { link } = worker
  const connected = new Signal()
  const stop = link.onStatus((status) => {
    if (status === 'connected') connected.notify()
  })
  try {
    for (;;) {
      await connected.wait(worker.ackWait / 3)
      if (link.status !== 'connected') continue
      for (const run of [...worker.unsettled, ...worker.burying]) run.delivery.working()
    }
  } finally {
    stop()
  }
}

/** Asks the server about each job, because the message with its cancel may have been lost. */
async function findCancelled(worker: WorkerState): Promise<never> {
  for (;;) {
    await sleep(worker.ackWait / 3)
    for (const run of worker.unsettled) if (await run.wasCancelled()) run.cancel()
  }
}
