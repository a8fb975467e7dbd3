import type { Headers } from '../bus/bus.ts'
import { defaultResultTtl } from './names.ts'
import { traceHeader } from './trace.ts'

/** The fields of a job, apart from its arguments. They are headers of its message. */
export interface JobMessage {
  readonly id: string
  /** The name of the function, such as `images#resize`. */
  readonly job: string
  /** The subject to which the result is sent; empty if no program waits for it. */
  readonly reply: string
  readonly resultTtl: number
  /** The Unix time in milliseconds by which the job must end; Infinity if there is no limit. */
  readonly deadline: number
  /** The Unix time in milliseconds before which the job must not begin; 0 if it may begin at once. */
  readonly notBefore: number
  readonly traceparent: string | null
  /** Whether the one argument is a list, and the function is called for each of its items. */
  readonly isChunked: boolean
  /** How many times the job was put back because a worker did not have its function. */
  readonly putBack: number
  /** The Unix time in milliseconds of the submission; 0 if the job was never put back. */
  readonly submittedAt: number
  /** Whether the job may have been stored or begun before. A worker then first asks the server for a result and a cancel. */
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

/** Headers in the dead-letter stream: why the job was put aside, and how many times it was delivered. */
export const deadLetterHeader = { reason: `${prefix}Reason`, deliveries: `${prefix}Deliveries` }

/** Returns the headers of a job. Fields with their default values have no header. */
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

/** Returns null if the message is not a job. */
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
