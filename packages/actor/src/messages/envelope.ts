import type { AskFuture } from './ask.ts'
import type { Admission } from './mailbox.ts'
import type { ActorIncarnation } from '../actors/actor-incarnation.ts'

/** The asks that led to a message, the latest first: who waits while it is handled. */
export interface CallChain {
  readonly incarnation: ActorIncarnation
  /** The asker serves messages of this chain while it waits. */
  readonly reentrant: boolean
  readonly up: CallChain | null
}

/** An entry of a mailbox, linked into its list. */
export class Envelope {
  previous: Envelope | null = null
  next: Envelope | null = null
  queued = false
  /** The name of a method; or of what happened, for messages the library makes. */
  readonly type: string
  readonly args: readonly unknown[]
  /** Who waits for the reply; null for a tell. */
  readonly ask: AskFuture | null
  /** What a message of the library does: a timer's callback, a DOWN, a result piped. */
  readonly action: (() => unknown) | null
  chain: CallChain | null = null
  /** Its sender waits for room. */
  admission: Admission | null = null
  stashed = false

  constructor(
    type: string,
    args: readonly unknown[],
    ask: AskFuture | null,
    action: (() => unknown) | null = null,
  ) {
    this.type = type
    this.args = args
    this.ask = ask
    this.action = action
  }
}

/** A message as users see it. */
export interface Message {
  readonly method: string
  readonly args: readonly unknown[]
  readonly kind: 'ask' | 'tell' | 'internal'
}

export function asMessage(envelope: Envelope): Message {
  const kind = envelope.action !== null ? 'internal' : envelope.ask === null ? 'tell' : 'ask'
  return { method: envelope.type, args: envelope.args, kind }
}
