/**
 * A route brings the messages of a remote ref to their receiver. The route in this file leads to a node that serves a name. The
 * route to the owner of an entity is in `entity-route.ts`.
 */
import { completed } from '@tasktree/core/lowlevel'
import type { Future } from '@tasktree/core'
import type { Bus } from '../bus/bus.ts'
import type { Link } from '../link/link.ts'
import { askHeaders, type AskMessage, encodeAsk } from '../wire/ask-message.ts'
import type { RemoteAsk } from './remote-ask.ts'

/** A message that has no id yet. */
export type Unnamed = Pick<AskMessage, 'kind' | 'method' | 'body'>

export interface Route {
  /** Returns the id of a new message. If it is null, the ref makes an id that no other message in the cluster has. */
  nameOf(message: Unnamed): string | null
  /** Sends the message of an ask, or of a confirmed tell, once. The sender waits for `left` more milliseconds. */
  ask(ask: RemoteAsk, bus: Bus, left: number): void
  /** Sends a message at most once. The future says whether the message was sent. */
  tell(link: Link, message: AskMessage): Future<boolean>
  /**
   * Called when the server has answered that no node listens on the subject to which the ask was sent. Calls `ask.noProc`,
   * or sends the ask again.
   */
  noResponders(ask: RemoteAsk): void
  /** Called when the sender of the ask does not wait any more. */
  withdraw(link: Link, ask: RemoteAsk): void
  /** Whether the ask is sent again when the connection is back, in place of failing when it is lost. */
  insists(message: AskMessage): boolean
}

/** Tells the receiver that the sender does not wait any more. The receiver drops the message if it has not begun with it. */
export function announceCancel(link: Link, { message }: RemoteAsk): void {
  if (link.status !== 'connected') return
  link.current()?.publish(link.names.control(message.id), new Uint8Array(0))
}

/** Publishes the message of an ask; the answer comes to the ask's inbox. */
export function publishAsk(subject: string, ask: RemoteAsk, bus: Bus, left: number): void {
  const { message, reply } = ask
  bus.publish(subject, encodeAsk(message, left), { headers: askHeaders(message), reply })
}

/** The route to one of the nodes that serve a name. */
export class ServiceRoute implements Route {
  readonly #subject: string

  constructor(subject: string) {
    this.#subject = subject
  }

  nameOf(): null {
    return null
  }

  ask(ask: RemoteAsk, bus: Bus, left: number): void {
    publishAsk(this.#subject, ask, bus, left)
  }

  tell(link: Link, message: AskMessage): Future<boolean> {
    const bus = link.current()
    bus?.publish(this.#subject, encodeAsk(message, Infinity), { headers: askHeaders(message) })
    return completed(bus !== null)
  }

  noResponders(ask: RemoteAsk): void {
    ask.noProc()
  }

  withdraw(link: Link, ask: RemoteAsk): void {
    announceCancel(link, ask)
  }

  insists(): boolean {
    return false
  }
}
