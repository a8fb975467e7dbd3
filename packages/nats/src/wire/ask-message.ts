/**
 * The message of an ask or a tell: one line of text, then the encoded arguments.
 *
 *     ask 5000 3f2a-1c add\n…
 *
 * The line holds the kind, the milliseconds that the sender waits (`-` for no limit), the id and the method. It is part
 * of the body and not a header of NATS, because a message with a header takes the client and the server longer than the
 * rest of a small ask. Only the W3C header `traceparent` is a header, so that tools that watch NATS find it.
 */
import type { BusMessage, Headers } from '../bus/bus.ts'
import { traceHeader } from './trace.ts'

export interface AskMessage {
  /** Names the ask in the whole cluster. */
  readonly id: string
  readonly method: string
  /** `tell` gets no answer. `confirm` is a tell that is answered when it is in the mailbox. */
  readonly kind: 'ask' | 'tell' | 'confirm'
  /** Milliseconds after which the sender does not wait any more. */
  readonly timeout: number
  readonly traceparent: string | null
  /** The encoded arguments. */
  readonly body: Uint8Array
}

const lineEnd = 0x0a

/** Returns the bytes of the message. `timeout` is what is left of the time of `message`. */
export function encodeAsk(message: AskMessage, timeout: number): Uint8Array {
  const { kind, id, method, body } = message
  const time = timeout === Infinity ? '-' : String(Math.ceil(timeout))
  const line = `${kind} ${time} ${id} ${encodeURIComponent(method)}\n`
  const bytes = Buffer.allocUnsafe(line.length + body.length)
  bytes.write(line, 'latin1')
  bytes.set(body, line.length)
  return bytes
}

/** Names the inbox for the answer of a message that is kept in a stream, where NATS's own reply is the stream's. */
export const replyHeader = 'Tasktree-Reply'

export function askHeaders({ traceparent }: AskMessage): Headers | undefined {
  return traceparent === null ? undefined : { [traceHeader]: traceparent }
}

/** Returns null for a message that is not an ask or a tell. */
export function readAsk(message: Pick<BusMessage, 'data' | 'header'>): AskMessage | null {
  const { data } = message
  const end = data.indexOf(lineEnd)
  if (end === -1) return null
  const line = Buffer.from(data.buffer, data.byteOffset, end).toString('latin1')
  const [kind, time, id, encoded] = line.split(' ')
  if (kind !== 'ask' && kind !== 'tell' && kind !== 'confirm') return null
  const method = decodeMethod(encoded)
  if (time === undefined || id === undefined || method === null) return null
  return {
    id,
    method,
    kind,
    timeout: time === '-' ? Infinity : Number(time),
    traceparent: message.header(traceHeader),
    body: data.subarray(end + 1),
  }
}

function decodeMethod(encoded: string | undefined): string | null {
  try {
    return encoded === undefined ? null : decodeURIComponent(encoded)
  } catch {
    return null
  }
}

/** The first byte of an answer that is not yet the outcome. `outcome.ts` has the other first bytes. */
export const answerTag = { accepted: 4, overloaded: 5, moved: 6 } as const

/** Returns the answer that names the node that has begun with an ask. It is sent for asks that take a while. */
export function acceptedBy(node: string): Uint8Array {
  const text = new TextEncoder().encode(node)
  const bytes = new Uint8Array(text.length + 1)
  bytes[0] = answerTag.accepted
  bytes.set(text, 1)
  return bytes
}

export const overloaded: Uint8Array = Uint8Array.of(answerTag.overloaded)
/** The receiver gives its part of the actors to another node, which will handle the message. */
export const moved: Uint8Array = Uint8Array.of(answerTag.moved)
