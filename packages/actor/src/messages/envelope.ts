import type { Context } from '@tasktree/core'
import type { Linked, LinkedList } from '@tasktree/core/lowlevel'
import type { AskFuture } from './ask.ts'
import type { Admission } from './mailbox.ts'
import { MessageKind } from './message-kind.ts'

/**
 * The reentrant asks (asks with the option `reentrant`) that led to a message and were not answered when it was sent. The
 * latest is `ask`; the earlier ones are in `up`.
 */
export interface CallChain {
  readonly ask: AskFuture
  readonly up: CallChain | null
}

/** A message together with the data that its delivery needs. The mailbox is a linked list of these objects. */
export class Envelope implements Linked<Envelope> {
  list: LinkedList<Envelope> | null = null
  nextInList: Envelope | null = null
  previousInList: Envelope | null = null
  readonly kind: MessageKind
  readonly args: readonly unknown[]
  /** The future that resolves with the reply to this message; null if the message is not an ask. */
  readonly ask: AskFuture | null
  /**
   * The function that handles this message, if this package itself has made the message (a timer's tick, a result of
   * `ctx.pipe`, the end of a monitored child). Null for a message that a program has sent.
   */
  readonly action: (() => unknown) | null
  /** The context variables that the handler sees; null if the handler sees the context variables of the actor. */
  context: Context | null = null
  chain: CallChain | null = null
  /**
   * The future that the sender awaits while its tell waits for room in a full mailbox. Null for an ask, and when the
   * sender does not wait.
   */
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
   * The name of the method that handles the message. If this package itself has made the message, the name of the
   * event, such as `timer`.
   */
  get type(): string {
    return this.kind.name
  }
}

const internalKinds = new Map<string, MessageKind>()

/**
 * Makes a message that the actor handles with a call of `action`, and not of one of its methods. This package uses such
 * messages for a timer's tick, for example.
 */
export function internalEnvelope(name: string, action: () => unknown): Envelope {
  return new Envelope(internalKind(name), [], null, action)
}

export function internalKind(name: string): MessageKind {
  let kind = internalKinds.get(name)
  if (kind === undefined) {
    kind = new MessageKind(name, {})
    // A name may contain the key of a timer, and a program may use any number of keys. So only the first 1000 names are
    // kept. Otherwise the map could grow without limit.
    if (internalKinds.size < 1000) internalKinds.set(name, kind)
  }
  return kind
}

/** A message as programs see it, for example in `system.deadLetters`. */
export interface Message {
  readonly method: string
  readonly args: readonly unknown[]
  readonly kind: 'ask' | 'tell' | 'internal'
}

export function asMessage(envelope: Envelope): Message {
  const kind = envelope.action !== null ? 'internal' : envelope.ask === null ? 'tell' : 'ask'
  return { method: envelope.type, args: envelope.args, kind }
}
