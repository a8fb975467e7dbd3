import type { Headers } from '../bus/bus.ts'

/** What an ask or a tell carries beside its arguments, in the headers of its message. */
export interface AskMessage {
  readonly id: string
  readonly method: string
  /** `tell`: no answer. `confirm`: a tell whose place in the mailbox is answered. */
  readonly kind: 'ask' | 'tell' | 'confirm'
  /** Milliseconds that the sender waits. */
  readonly timeout: number
  readonly traceparent: string | null
}

/** One header for all of it, because each header costs as much as the rest of a small message. */
const header = 'Tasktree-Ask'

export function askHeaders(message: AskMessage): Headers {
  const { kind, timeout, id, method } = message
  const headers: Record<string, string> = {
    [header]: `${kind} ${timeout === Infinity ? '-' : Math.ceil(timeout)} ${id} ${encodeURIComponent(method)}`,
  }
  if (message.traceparent !== null) headers['traceparent'] = message.traceparent
  return headers
}

/** Null when it is not an ask. */
export function readAsk(read: (name: string) => string | null): AskMessage | null {
  const [kind, time, id, method] = read(header)?.split(' ') ?? []
  if (kind !== 'ask' && kind !== 'tell' && kind !== 'confirm') return null
  if (time === undefined || id === undefined || method === undefined) return null
  const timeout = time === '-' ? Infinity : Number(time)
  return {
    id,
    method: decodeURIComponent(method),
    kind,
    timeout,
    traceparent: read('traceparent'),
  }
}

/** The first byte of an answer that is not yet the outcome: see `outcome.ts` for the others. */
export const answerTag = { accepted: 4, overloaded: 5 } as const

/** Says that a node has begun with an ask that takes a while, and which node. */
export function acceptedBy(node: string): Uint8Array {
  const text = new TextEncoder().encode(node)
  const bytes = new Uint8Array(text.length + 1)
  bytes[0] = answerTag.accepted
  bytes.set(text, 1)
  return bytes
}

export const overloaded: Uint8Array = Uint8Array.of(answerTag.overloaded)
