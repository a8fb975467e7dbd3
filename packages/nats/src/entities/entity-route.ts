/**
 * The route of a message to the owner of an entity. Without a mailbox on the server, an ask or a confirmed tell is a request to
 * the owner, and is sent again while the shard has no owner; a plain tell is sent once. With a mailbox, every message is added
 * to the stream of the mailbox, even if there is no owner.
 */
import { createHash } from 'node:crypto'
import { deriveIdempotencyKey } from '@tasktree/actor'
import { Future } from '@tasktree/core'
import { completed } from '@tasktree/core/lowlevel'
import { type Bus, type Headers, idHeader } from '../bus/bus.ts'
import { BusTimeout, StreamFull } from '../errors.ts'
import type { Link } from '../link/link.ts'
import { announceCancel, publishAsk, type Route, type Unnamed } from '../services/service-route.ts'
import type { RemoteAsk } from '../services/remote-ask.ts'
import { askHeaders, type AskMessage, encodeAsk, replyHeader } from '../wire/ask-message.ts'
import type { EntityTerms } from './entity-type.ts'
import type { KnownTypes } from './known-types.ts'
import { shardOf } from './placement.ts'

/** Characters of a hash that tells one message of a handler's run from another. Each has 6 bits. */
const fingerprintLength = 22

export class EntityRoute implements Route {
  readonly #types: KnownTypes
  readonly #link: Link
  readonly #type: string
  readonly #key: string
  /** The sequences of the messages of asks that are stored in the stream. */
  readonly #stored = new WeakMap<RemoteAsk, number>()

  constructor(types: KnownTypes, link: Link, type: string, key: string) {
    this.#types = types
    this.#link = link
    this.#type = type
    this.#key = key
  }

  /**
   * A tell in a handler that may run again has the same id each time, so the stream stores it once. A later run may tell
   * something else than the first run. So the receiver, the method and the arguments are a part of the id. An ask gets a new
   * id each time, because the answer to the first ask went to a node that may be gone.
   */
  nameOf({ kind, method, body }: Unnamed): string | null {
    if (kind === 'ask') return null
    const key = deriveIdempotencyKey(() => this.#fingerprint(method, body))
    // The key of an ask may have any characters. An id must have no space and no line end.
    return key === null ? null : encodeURI(key.toWellFormed())
  }

  /** Returns a hash of the receiver, the method and the arguments of a message. */
  #fingerprint(method: string, body: Uint8Array): string {
    const { codec } = this.#link
    // V8 has two encodings of a whole number, and of a list. Which of them it uses depends on how the value was made. After
    // the value is decoded, both have the same encoding.
    const args = codec.encode(codec.decode(body))
    return createHash('sha256')
      .update(JSON.stringify([this.#type, this.#key, method]))
      .update(args)
      .digest('base64url')
      .slice(0, fingerprintLength)
  }

  insists({ kind }: AskMessage): boolean {
    // The stream stores a message with the same id once, so a confirmed tell may be sent again.
    return kind === 'confirm'
  }

  ask(ask: RemoteAsk, _bus: Bus, left: number): void {
    this.#types.find(this.#type, (found) => {
      if (ask.done()) return
      try {
        const bus = this.#link.current()
        if ('error' in found) ask.refuse(found.error)
        else if (found.terms === null) ask.noProc()
        else if (bus === null) ask.lost(false)
        else if (found.terms.isDurable) this.#append(ask, bus, left, found.terms)
        else publishAsk(this.#subject(found.terms), ask, bus, left)
      } catch (error) {
        ask.refuse(error)
      }
    })
  }

  #subject({ isDurable, shards }: EntityTerms): string {
    const shard = shardOf(this.#key, shards)
    const { names } = this.#link
    return isDurable
      ? names.mailbox(this.#type, shard, this.#key)
      : names.entity(this.#type, shard, this.#key)
  }

  #append(ask: RemoteAsk, bus: Bus, left: number, terms: EntityTerms): void {
    const { message, reply } = ask
    const appending = bus.append(this.#subject(terms), encodeAsk(message, left), {
      id: message.id,
      headers: { ...askHeaders(message), ...(message.kind === 'ask' && { [replyHeader]: reply }) },
    })
    appending.addDoneCallback(() => {
      if (appending.cancelled()) return
      const error = appending.exception()
      if (error === null) {
        this.#stored.set(ask, appending.result().sequence)
        if (message.kind === 'confirm') ask.confirmed()
        else if (ask.done()) this.#delete(ask)
      } else if (error instanceof StreamFull) ask.overloaded()
      else if (error instanceof BusTimeout) ask.sendLater()
      else ask.refuse(error)
    })
  }

  tell(link: Link, message: AskMessage): Future<boolean> {
    if (link.current() === null) return completed(false)
    const sent = new Future<boolean>()
    this.#types.find(this.#type, (found) => {
      if (sent.done()) return
      const bus = link.current()
      if ('error' in found) sent.setException(found.error)
      else if (found.terms === null || bus === null) sent.setResult(false)
      else {
        try {
          const headers: Headers = { ...askHeaders(message), [idHeader]: message.id }
          bus.publish(this.#subject(found.terms), encodeAsk(message, Infinity), { headers })
          sent.setResult(true)
        } catch (error) {
          sent.setException(error)
        }
      }
    })
    return sent
  }

  /** Called when no node owns the shard. The ask fails if no node hosts the type; otherwise it is sent again. */
  noResponders(ask: RemoteAsk): void {
    const { answers, names } = this.#link
    const reply = answers.newSubject()
    answers.expect(reply, ({ isNoResponders }) => {
      answers.forget(reply)
      if (isNoResponders) ask.noProc()
    })
    ask.addDoneCallback(() => answers.forget(reply))
    const question = JSON.stringify({ say: 'who', node: this.#link.node })
    const bus = this.#link.current()
    bus?.publish(names.hosts(this.#type), new TextEncoder().encode(question), { reply })
    ask.sendLater()
  }

  withdraw(link: Link, ask: RemoteAsk): void {
    if (ask.message.kind !== 'ask') return
    announceCancel(link, ask)
    this.#delete(ask)
  }

  /** Deletes the message from the mailbox, so that it does not wait there for an owner. */
  #delete(ask: RemoteAsk): void {
    const sequence = this.#stored.get(ask)
    if (sequence === undefined) return
    this.#stored.delete(ask)
    const link = this.#link
    const { id, method } = ask.message
    link.start(`withdraw ${ask.path}.${method}`, async () => {
      await link.insist((bus) => bus.deleteMessage(link.names.mailboxes(this.#type), sequence, id))
    })
  }
}
