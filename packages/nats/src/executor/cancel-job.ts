import type { Bus } from '../bus/bus.ts'
import type { Link } from '../link/link.ts'
import { encodeOutcome } from '../wire/outcome.ts'

export interface CancelledJob {
  readonly id: string
  readonly resultTtl: number
  readonly stream: string
  /** The number of the job in its stream; null while the server has not confirmed the job. */
  readonly sequence: number | null
}

/**
 * Cancels a job wherever it is. The order of the steps matters. A worker that got the job before the deletion is already
 * subscribed to announcements, so it hears the cancel. A worker that asks later does not get the job.
 */
export async function cancelJob(link: Link, job: CancelledJob): Promise<void> {
  const { id, resultTtl, stream, sequence } = job
  await link.insist((bus) => link.cancels(bus).put(id, Uint8Array.of(1)))
  if (sequence !== null) await link.insist((bus) => bus.deleteMessage(stream, sequence, id))
  await link.insist(async (bus: Bus) => {
    bus.publish(link.names.control(id), new Uint8Array(0))
    await link.results(bus, resultTtl).create(id, encodeOutcome({ kind: 'cancelled' }, link.codec))
  })
}
