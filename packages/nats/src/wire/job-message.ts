import type { Headers } from '../bus/bus.ts'
import { defaultResultTtl } from './names.ts'
import { traceHeader } from './trace.ts'

/** What travels with a job beside its arguments, in the headers of its message. */
export interface JobMessage {
  readonly id: string
  /** Which function: `images#resize`. */
  readonly job: string
  /** The subject that is told the result; '' when nobody waits for it. */
  readonly reply: string
  readonly resultTtl: number
  /** The Unix time in milliseconds by which it must have ended; Infinity for no such time. */
  readonly deadline: number
  /** Not before this Unix time in milliseconds; 0 for at once. */
  readonly notBefore: number
  readonly traceparent: string | null
  /** Whether its one argument is a list, and the function is called for each item of it. */
  readonly isChunked: boolean
  /** How many times it was put back, because no worker knew its function. */
  readonly putBack: number
  /** The Unix time in milliseconds of its first submission. */
  readonly submittedAt: number
  /** Whether it may have been stored or begun before: then its result and its cancel are looked up before it begins. */
  readonly mayBeKnown: boolean
}

const prefix = 'Tasktree-'
const name = {
  id: `${prefix}Id`,
  job: `${prefix}Job`,
  reply: `${prefix}Reply`,
  resultTtl: `${prefix}Result-Ttl`,
  deadline: `${prefix}Deadline`,
  notBefore: `${prefix}Not-Before`,
  chunked: `${prefix}Chunked`,
  putBack: `${prefix}Put-Back`,
  submittedAt: `${prefix}Submitted-At`,
  known: `${prefix}May-Be-Known`,
} as const

/** Names the node that has put a job aside, and why, in the dead-letter stream. */
export const deadLetterHeader = { reason: `${prefix}Reason`, deliveries: `${prefix}Deliveries` }

/** What has its usual value is left out. */
export function toHeaders(message: JobMessage): Headers {
  const headers: Record<string, string> = { [name.id]: message.id, [name.job]: message.job }
  if (message.reply !== '') headers[name.reply] = message.reply
  if (message.resultTtl !== defaultResultTtl) headers[name.resultTtl] = String(message.resultTtl)
  if (message.deadline !== Infinity) headers[name.deadline] = String(message.deadline)
  if (message.notBefore !== 0) headers[name.notBefore] = String(message.notBefore)
  if (message.traceparent !== null) headers[traceHeader] = message.traceparent
  if (message.isChunked) headers[name.chunked] = '1'
  if (message.putBack !== 0) headers[name.putBack] = String(message.putBack)
  if (message.submittedAt !== 0) headers[name.submittedAt] = String(message.submittedAt)
  if (message.mayBeKnown) headers[name.known] = '1'
  return headers
}

/** Null when it is not a job. */
export function readHeaders(header: (name: string) => string | null): JobMessage | null {
  const number = (key: string, otherwise: number): number => {
    const text = header(key)
    return text === null || Number.isNaN(Number(text)) ? otherwise : Number(text)
  }
  const id = header(name.id)
  const job = header(name.job)
  if (id === null || job === null) return null
  return {
    id,
    job,
    reply: header(name.reply) ?? '',
    resultTtl: number(name.resultTtl, defaultResultTtl),
    deadline: number(name.deadline, Infinity),
    notBefore: number(name.notBefore, 0),
    traceparent: header(traceHeader),
    isChunked: header(name.chunked) !== null,
    putBack: number(name.putBack, 0),
    submittedAt: number(name.submittedAt, 0),
    mayBeKnown: header(name.known) !== null,
  }
}
