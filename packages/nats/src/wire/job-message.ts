import type { Headers } from '../bus/bus.ts'
import { defaultResultTtl, keptFor } from './names.ts'
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
  /**
   * The number of an earlier message of the job which the stream does not have any more, although the job has no result; 0 if
   * this message is the first.
   */
  readonly after: number
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
  after: `${prefix}After`,
  putBack: `${prefix}Put-Back`,
  submittedAt: `${prefix}Submitted-At`,
  known: `${prefix}May-Be-Known`,
} as const

/** Headers in the dead-letter stream: why the job was put aside, and how many times it was delivered. */
export const deadLetterHeader = { reason: `${prefix}Reason`, deliveries: `${prefix}Deliveries` }

/** Returns the id of the message of a job. For two minutes a stream does not store a second message with the same id. */
export function messageId({ id, after, putBack }: JobMessage): string {
  return `${id}${after === 0 ? '' : `:after:${after}`}${putBack === 0 ? '' : `:${putBack}`}`
}

/** Returns the headers of a job. Fields with their default values have no header. */
export function toHeaders(message: JobMessage): Headers {
  const headers: Record<string, string> = { [name.id]: message.id, [name.job]: message.job }
  if (message.reply !== '') headers[name.reply] = message.reply
  if (message.resultTtl !== defaultResultTtl) headers[name.resultTtl] = String(message.resultTtl)
  if (message.deadline !== Infinity) headers[name.deadline] = String(message.deadline)
  if (message.notBefore !== 0) headers[name.notBefore] = String(message.notBefore)
  if (message.traceparent !== null) headers[traceHeader] = message.traceparent
  if (message.isChunked) headers[name.chunked] = '1'
  if (message.after !== 0) headers[name.after] = String(message.after)
  if (message.putBack !== 0) headers[name.putBack] = String(message.putBack)
  if (message.submittedAt !== 0) headers[name.submittedAt] = String(message.submittedAt)
  if (message.mayBeKnown) headers[name.known] = '1'
  return headers
}

/** Whether `id` can name a job: it is a key of a bucket and a token of a subject. */
export function isJobId(id: string): boolean {
  return /^[A-Za-z0-9_=-]{1,128}$/.test(id)
}

/** Whether a message can be sent to `subject`. */
function isSubject(subject: string): boolean {
  return /^[^\s.*>]+(\.[^\s.*>]+)*$/.test(subject)
}

/**
 * Returns null if the message is not a job. Any program can send messages with such headers, so values that would be refused
 * by the server are ignored.
 */
export function readHeaders(header: (name: string) => string | null): JobMessage | null {
  const number = (key: string, otherwise: number): number => {
    const text = header(key)
    return text === null || Number.isNaN(Number(text)) ? otherwise : Number(text)
  }
  const id = header(name.id)
  const job = header(name.job)
  if (id === null || !isJobId(id) || job === null) return null
  const reply = header(name.reply) ?? ''
  return {
    id,
    job,
    reply: isSubject(reply) ? reply : '',
    resultTtl: keptFor(number(name.resultTtl, defaultResultTtl)),
    deadline: number(name.deadline, Infinity),
    notBefore: number(name.notBefore, 0),
    traceparent: header(traceHeader),
    isChunked: header(name.chunked) !== null,
    after: number(name.after, 0),
    putBack: number(name.putBack, 0),
    submittedAt: number(name.submittedAt, 0),
    mayBeKnown: header(name.known) !== null,
  }
}
