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

const name = {
  id: 'Tasktree-Id',
  method: 'Tasktree-Method',
  kind: 'Tasktree-Kind',
  timeout: 'Tasktree-Timeout',
} as const

export function askHeaders(message: AskMessage): Headers {
  const headers: Record<string, string> = {
    [name.id]: message.id,
    [name.method]: message.method,
    [name.kind]: message.kind,
  }
  if (message.timeout !== Infinity) headers[name.timeout] = String(Math.ceil(message.timeout))
  if (message.traceparent !== null) headers['traceparent'] = message.traceparent
  return headers
}

/** Null when it is not an ask. */
export function readAsk(header: (name: string) => string | null): AskMessage | null {
  const id = header(name.id)
  const method = header(name.method)
  const kind = header(name.kind)
  if (id === null || method === null) return null
  if (kind !== 'ask' && kind !== 'tell' && kind !== 'confirm') return null
  const timeout = Number(header(name.timeout) ?? Infinity)
  return { id, method, kind, timeout, traceparent: header('traceparent') }
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
