import type { Context } from '@tasktree/core'
import type { Linked, LinkedList } from '@tasktree/core/lowlevel'
import type { AskFuture } from './ask.ts'
import type { Admission } from './mailbox.ts'
import { MessageKind } from './message-kind.ts'

/**
 * The reentrant asks (asks with the option `reentrant`) that led to a message and were not answered yet. The latest is
 * `ask`; the earlier ones are in `up`.
 */
export interface CallChain {
  readonly ask: AskFuture
  readonly up: CallChain | null
}

/** A message, and what its delivery needs. The mailbox is a linked list of these objects. */
export class Envelope implements Linked<Envelope> {
  list: LinkedList<Envelope> | null = null
  nextInList: Envelope | null = null
  previousInList: Envelope | null = null
  readonly kind: MessageKind
  readonly args: readonly unknown[]
  /** The future of the asker; null when the message is a tell. */
  readonly ask: AskFuture | null
  /**
   * For a message that this package itself has made (a timer's tick, a piped result, the end of a monitored child): the
   * code that handles it. Null for a message of a user.
   */
  readonly action: (() => unknown) | null
  /** The set of context variables that the handler sees; null for those of the actor. */
  context: Context | null = null
  chain: CallChain | null = null
  /** The future with which the sender of a tell waits for room in the mailbox; null when no sender waits. */
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

  /**
   * The name of the method. For a message that this package itself has made, the name of the event, such as `timer`.
   */
  get type(): string {
    return this.kind.name
  }
}

const internalKinds = new Map<string, MessageKind>()

/**
 * Makes a message for which the actor calls `action`, and none of its methods. This package uses it for a timer's tick,
 * for example.
 */
export function internalEnvelope(name: string, action: () => unknown): Envelope {
  return new Envelope(internalKind(name), [], null, action)
}

export function internalKind(name: string): MessageKind {
  let kind = internalKinds.get(name)
  if (kind === undefined) {
    kind = new MessageKind(name, {})
    // The name may have the key of a timer in it, and a program may use any number of keys. So at most 1000 kinds are
    // kept.
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
