import type { Linked, LinkedList } from '@tasktree/core/lowlevel'
import type { AskFuture } from './ask.ts'
import type { HandlerFlow } from './handler-flow.ts'
import type { Admission } from './mailbox.ts'
import { MessageKind } from './message-kind.ts'

/** The reentrant asks that led to a message and are still waited for, the latest first. */
export interface CallChain {
  readonly ask: AskFuture
  readonly up: CallChain | null
}

/** A message on its way, and an entry of a mailbox. */
export class Envelope implements Linked<Envelope> {
  list: LinkedList<Envelope> | null = null
  nextInList: Envelope | null = null
  previousInList: Envelope | null = null
  readonly kind: MessageKind
  readonly args: readonly unknown[]
  /** The future of the asker; null for a tell. */
  readonly ask: AskFuture | null
  /** What a message of the library does when its turn comes: a timer's callback, a DOWN, a piped result. Otherwise null. */
  readonly action: (() => unknown) | null
  chain: CallChain | null = null
  /** The wait of its sender for room in the mailbox. */
  admission: Admission | null = null
  /** The run of the handler with this message, while there is one. */
  flow: HandlerFlow | null = null

  constructor(
    kind: MessageKind,
    args: readonly unknown[],
    ask: AskFuture | null,
    action: (() => unknown) | null = null,
  ) {
    this.kind = kind
    this.args = args
    this.ask = ask
    this.action = action
  }

  /** The name of the method; for a message of the library, of what happened. */
  get type(): string {
    return this.kind.name
  }
}

const internalKinds = new Map<string, MessageKind>()

/** A message that the library sends to the actor: `action` is called in place of a method. */
export function internalEnvelope(name: string, action: () => unknown): Envelope {
  return new Envelope(internalKind(name), [], null, action)
}

export function internalKind(name: string): MessageKind {
  let kind = internalKinds.get(name)
  if (kind === undefined) {
    kind = new MessageKind(name, {})
    // Timers may have any number of keys; what they leave here must not grow for ever.
    if (internalKinds.size < 1000) internalKinds.set(name, kind)
  }
  return kind
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
