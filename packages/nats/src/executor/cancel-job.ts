import type { Link } from '../link/link.ts'
import type { JobMessage } from '../wire/job-message.ts'
import { cancelledOutcome } from '../wire/outcome.ts'

/** Where the message of a job is. */
export interface JobPlace {
  readonly stream: string
  readonly sequence: number
  /** The id of the message, which is not always that of the job. */
  readonly id: string
}

/**
 * Cancels a job wherever it is. `place` says where its message is; null while the server has not confirmed it.
 *
 * The order of the steps matters. A worker that got the job before the deletion is already subscribed to announcements, so
 * it hears the cancel. A worker that asks after the deletion does not get the job.
 */
export async function cancelJob(
  link: Link,
  { id, resultTtl, mayBeKnown }: JobMessage,
  place: JobPlace | null,
): Promise<void> {
  await link.insist((bus) => link.cancels(bus).put(id, Uint8Array.of(1)))
  if (place !== null) {
    await link.insist((bus) => bus.deleteMessage(place.stream, place.sequence, place.id))
  }
  await link.insist((bus) => {
    bus.publish(link.names.control(id), new Uint8Array(0))
    // The announcement counts as sent when the server has received it, because it may be lost with the connection.
    return bus.flush()
  })
  await link.jobResults.record(id, resultTtl, cancelledOutcome, mayBeKnown)
}
