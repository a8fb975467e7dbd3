import type { Context } from '@tasktree/core'
import type { Linked, LinkedList } from '@tasktree/core/lowlevel'
import type { AskFuture } from './ask.ts'
import type { Admission } from './mailbox.ts'
import { MessageKind } from './message-kind.ts'

/** The reentrant asks that led to a message and were not answered yet, the latest first. */
export interface CallChain {
  readonly ask: AskFuture
  readonly up: CallChain | null
}

/** A message together with the data that its delivery needs. It is also the list entry of the mailbox. */
export class Envelope implements Linked<Envelope> {
  list: LinkedList<Envelope> | null = null
  nextInList: Envelope | null = null
  previousInList: Envelope | null = null
  readonly kind: MessageKind
  readonly args: readonly unknown[]
  /** The future of the asker; null when the message is a tell. */
  readonly ask: AskFuture | null
  /**
   * The code to run for a message of the library: a timer's tick, a piped result, or the end of a monitored child. Null
   * for a user's message.
   */
  readonly action: (() => unknown) | null
  /** The context in which the handler runs; null if it runs in the context of the actor. */
  context: Context | null = null
  chain: CallChain | null = null
  /** The future of the sender that waits for room in the mailbox; null when no sender waits. */
  admission: Admission | null = null

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

  /** The name of the method. For a message of the library, the name of the event, such as `timer`. */
  get type(): string {
    return this.kind.name
  }
}

const internalKinds = new Map<string, MessageKind>()

/** Makes a message of the library. When the actor handles it, `action` is called, and no method of the actor. */
export function internalEnvelope(name: string, action: () => unknown): Envelope {
  return new Envelope(internalKind(name), [], null, action)
}

export function internalKind(name: string): MessageKind {
  let kind = internalKinds.get(name)
  if (kind === undefined) {
    kind = new MessageKind(name, {})
    // Only 1000 kinds are kept, because a program may use any number of timer keys.
    if (internalKinds.size < 1000) internalKinds.set(name, kind)
  }
  return kind
}

/** A message in the form that users see. */
export interface Message {
  readonly method: string
  readonly args: readonly unknown[]
  readonly kind: 'ask' | 'tell' | 'internal'
}

export function asMessage(envelope: Envelope): Message {
  const kind = envelope.action !== null ? 'internal' : envelope.ask === null ? 'tell' : 'ask'
  return { method: envelope.type, args: envelope.args, kind }
}
