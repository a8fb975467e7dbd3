export { traceparent } from '@tasktree/executor'
import { Tracing } from '@tasktree/core/lowlevel'

/** The name of the W3C header in the messages of NATS. */
export const traceHeader = 'traceparent'

/** Text fields of a tracing tool. Of these, `traceparent` travels between machines. */
export type Carrier = Readonly<Record<string, string>>

export interface JobTrace {
  readonly executor: object
  readonly future: object
  readonly job: string
  readonly worker: null
  /** A subscriber of `start` may set it. */
  carrier?: Carrier
}

/** The channel of the pools of threads and processes, for a job at the program that has submitted it. */
export const jobTracing: Tracing<JobTrace> = new Tracing('tasktree:executor.job')

interface RunTrace {
  readonly job: string
  /** The name of the node. */
  readonly worker: string
  readonly carrier: Carrier | null
}

/** The channel of the workers of pools, for a job at the node that runs it. */
export const runTracing: Tracing<RunTrace> = new Tracing('tasktree:executor.run')

export interface AskTrace {
  readonly path: string
  readonly method: string
  readonly ask: object
  carrier?: Carrier
}

/** The channel of the actors of this program, for an ask to an actor on another machine. */
export const askTracing: Tracing<AskTrace> = new Tracing('tasktree:actor.ask')

interface ServeTrace {
  /** What receives the message, in words. */
  readonly receiver: string
  readonly method: string
  readonly carrier: Carrier | null
}

/** The channel of the actors of this program, for an ask or a tell from another program, from its arrival to its answer. */
export const serveTracing: Tracing<ServeTrace> = new Tracing('tasktree:actor.serve')

/** Returns the text fields for a trace context that has come with a message. */
export function carrierOf(header: string | null): Carrier | null {
  return header === null ? null : { traceparent: header }
}
