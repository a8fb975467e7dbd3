import { SpanKind, type Tracer } from '@opentelemetry/api'
import { type Carrier, extract, inject, linkTo } from './carrier.ts'
import { joinDisposables } from './join-disposables.ts'
import { spansOfChannel } from './channel-spans.ts'

interface JobTrace {
  readonly job: string
  carrier?: Carrier
}

interface RunTrace {
  readonly job: string
  readonly worker: number | string | null
  readonly carrier: Carrier | null
}

/**
 * Makes a span for each job in the thread that submits it, and a second span in the worker that runs it. The context
 * travels with the job, so the second span is a child of the first. The second span also has a link to the first,
 * because tools that show producers and consumers look for the link.
 */
export function watchJobs(tracer: Tracer): Disposable {
  return joinDisposables(
    spansOfChannel<JobTrace>('tasktree:executor.job', tracer, (message) => ({
      name: `submit ${message.job}`,
      kind: SpanKind.PRODUCER,
      attributes: { 'tasktree.job.name': message.job },
      begun: (inside) => {
        message.carrier = inject(inside)
      },
    })),
    spansOfChannel<RunTrace>('tasktree:executor.run', tracer, ({ job, worker, carrier }) => {
      const parent = extract(carrier)
      return {
        name: `run ${job}`,
        kind: SpanKind.CONSUMER,
        attributes: {
          'tasktree.job.name': job,
          ...(worker === null ? {} : { 'tasktree.worker.id': String(worker) }),
        },
        parent,
        links: linkTo(parent),
      }
    }),
  )
}
