import type { Delivery } from '../bus/bus.ts'
import { PayloadTooLarge, UnknownJob } from '../errors.ts'
import { type JobMessage, messageId, toHeaders } from '../wire/job-message.ts'
import type { WorkerState } from './worker-state.ts'

/** Milliseconds before the next attempt with a job that the worker does not know. */
const unknownDelay = 2_000

/**
 * Puts a job back whose function this worker does not have, because another worker may get the function while a new
 * version is rolled out. The job comes back after a delay, as a new message, so the caller must acknowledge the old one.
 * When the job is older than `unknownAfter` milliseconds, or too large for the headers that are added, it is not put back,
 * and the error with which it must fail is returned.
 */
export async function putBackUnknown(
  { link, queue, modules, unknownAfter }: WorkerState,
  delivery: Delivery,
  message: JobMessage,
): Promise<UnknownJob | null> {
  const submittedAt = message.submittedAt === 0 ? delivery.storedAt : message.submittedAt
  if (link.now() - submittedAt >= unknownAfter) {
    return new UnknownJob(message.job, queue, modules.names)
  }
  const again: JobMessage = {
    ...message,
    submittedAt,
    putBack: message.putBack + 1,
    notBefore: Math.ceil(link.now() + Math.min(unknownDelay, unknownAfter)),
    mayBeKnown: true,
  }
  try {
    await link.insist((bus) =>
      bus.append(link.names.delay(queue), delivery.data, {
        id: messageId(again),
        headers: toHeaders(again),
      }),
    )
  } catch (error) {
    if (!(error instanceof PayloadTooLarge)) throw error
    // Another program has sent the job, with no room for the headers that are added here.
    return new UnknownJob(message.job, queue, modules.names)
  }
  return null
}
