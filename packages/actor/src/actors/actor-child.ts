import type { Context, Future } from '@tasktree/core'
import { restartsAfter } from '../children/restart-decision.ts'
import { Child, type Owner } from '../children/child.ts'
import { registerKind } from '../children/child-kinds.ts'
import type { ActorSpec } from '../children/child-spec.ts'
import { ActorRestarting, ActorStopped, MailboxFull, NoProc } from '../errors.ts'
import { type ExitReason, killed, normal } from '../exit-reason.ts'
import { AskFuture, type AskOptions } from '../messages/ask.ts'
import { chainFrom } from '../messages/call-chain.ts'
import { asMessage, Envelope } from '../messages/envelope.ts'
import { activeFlow } from '../messages/handler-flow.ts'
import { Admission, Mailbox } from '../messages/mailbox.ts'
import type { MessageKind } from '../messages/message-kind.ts'
import { tellMade } from '../messages/tracing.ts'
import type { DeadLetterReason } from '../runtime/events.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { ActorIncarnation } from './actor-incarnation.ts'
import { LocalActorRef } from './local-actor-ref.ts'
import { PinnedMessages } from './pinned-messages.ts'
import { tellUndelivered } from './undelivered.ts'

/**
 * The part of an actor that survives restarts: its mailbox, its ref, and its place under the supervisor or actor that
 * started it. Each run of the actor, from a start or a restart to the next end, is an ActorIncarnation. So messages
 * that were sent before a restart can be handled after the restart.
 */
export class ActorChild extends Child {
  readonly kind = 'actor' as const
  declare spec: ActorSpec
  declare incarnation: ActorIncarnation | null
  readonly mailbox: Mailbox
  /**
   * True after a call of `drain()`: the actor refuses new messages, and ends when it has handled the messages in its
   * mailbox.
   */
  draining = false
  /** The number of asks to this actor that were not answered yet. */
  pendingAsks = 0
  /**
   * The latest incarnation (run) of the actor. The field is not cleared when that incarnation ends: when the actor has
   * ended for good, `close()` still calls the hook `onUndelivered` of the actor object of that incarnation.
   */
  #latest: ActorIncarnation | null = null
  #pinnedMessages: PinnedMessages | null = null

  constructor(spec: ActorSpec, owner: Owner, runtime: Runtime) {
    super(spec, owner, runtime)
    this.mailbox = new Mailbox(spec.mailbox)
  }

  override childWithId(id: string): Child | null {
    return this.incarnation?.ownChildren?.find(id) ?? null
  }

  protected override makeRef(): LocalActorRef {
    return new LocalActorRef(this)
  }

  protected override makeIncarnation(number: number): ActorIncarnation {
    this.draining = false
    this.#pinnedMessages?.incarnationBegins()
    const incarnation = new ActorIncarnation(this, number)
    this.#latest = incarnation
    return incarnation
  }

  #isGone(pinned: number): boolean {
    return this.closed || (pinned !== 0 && (pinned !== this.number || this.incarnation === null))
  }

  tell(
    kind: MessageKind,
    args: readonly unknown[],
    pinned = 0,
    context: Context | null = null,
  ): Future<boolean> {
    const envelope = new Envelope(kind, args, null)
    if (context !== null) envelope.context = context
    if (tellMade.hasSubscribers) {
      tellMade.publish({ path: this.path, method: kind.name, message: envelope })
    }
    if (this.#isGone(pinned)) return this.#refuseTell(envelope, 'no-proc')
    if (this.draining) return this.#refuseTell(envelope, 'draining')
    if (pinned !== 0) this.#pin(envelope, pinned)
    if (!this.mailbox.isFull()) {
      this.#accept(envelope)
      return this.runtime.accepted
    }
    return this.#overflow(envelope)
  }

  #pin(envelope: Envelope, incarnation: number): void {
    this.#pinnedMessages ??= new PinnedMessages(this)
    this.#pinnedMessages.add(envelope, incarnation)
  }

  #refuseTell(envelope: Envelope, reason: DeadLetterReason): Future<boolean> {
    this.runtime.deadLetter(this.path, envelope, reason)
    return this.runtime.refused
  }

  #accept(envelope: Envelope): void {
    const { incarnation } = this
    if (incarnation === null) {
      this.mailbox.push(envelope)
      return
    }
    const { messageLoop } = incarnation
    if (messageLoop.isWaiting && messageLoop.serveBeside(envelope)) return
    this.mailbox.push(envelope)
    incarnation.wake()
  }

  #overflow(envelope: Envelope): Future<boolean> {
    const { mailbox, runtime } = this
    if (this.incarnation?.messageLoop.serveBeside(envelope) === true) return runtime.accepted
    const outcome = mailbox.overflow()
    if (outcome === 'refuse') return this.#refuseTell(envelope, 'mailbox-full')
    if (outcome === 'wait') {
      const admission = new Admission(runtime.loop, envelope, this, activeFlow())
      envelope.admission = admission
      mailbox.wait(envelope)
      return admission
    }
    runtime.deadLetter(this.path, outcome, 'dropped-oldest')
    this.#accept(envelope)
    return runtime.accepted
  }

  ask(
    kind: MessageKind,
    args: readonly unknown[],
    options: AskOptions | undefined,
    pinned = 0,
  ): AskFuture {
    const asker = activeFlow()
    const reentrant = options?.reentrant === true
    const ask = new AskFuture(this.runtime.loop, this, kind, args, asker, reentrant)
    ask.arm(options)
    if (this.#isGone(pinned)) {
      ask.refuse(new NoProc(this.path))
      return ask
    }
    if (this.closing || this.draining) {
      ask.refuse(new ActorStopped(this.path, this.incarnation?.endReason ?? normal, false))
      return ask
    }
    if (ask.done()) return ask
    const { envelope } = ask
    if (pinned !== 0) this.#pin(envelope, pinned)
    if (asker !== null) {
      const up = chainFrom(asker)
      envelope.chain = reentrant ? { ask, up } : up
    }
    this.#send(envelope, ask)
    return ask
  }

  #send(envelope: Envelope, ask: AskFuture): void {
    const { mailbox, runtime } = this
    if (!mailbox.isFull()) {
      this.#accept(envelope)
      return
    }
    if (this.incarnation?.messageLoop.serveBeside(envelope) === true) return
    const outcome = mailbox.overflow()
    if (outcome === 'refuse') {
      ask.refuse(new MailboxFull(this.path, mailbox.capacity))
    } else if (outcome === 'wait') {
      mailbox.wait(envelope)
    } else {
      runtime.deadLetter(this.path, outcome, 'dropped-oldest')
      this.#accept(envelope)
    }
  }

  /**
   * Adds a message that this package itself has made to the mailbox, even if the mailbox is full. Such a message is a
   * timer's tick, the result of a promise that was passed to `ctx.pipe()`, or a call of `onDown`.
   */
  push(envelope: Envelope): void {
    this.mailbox.push(envelope)
    this.incarnation?.wake()
  }

  /**
   * Called with messages whose handlers were to run beside another handler, but were not called. Puts the messages at
   * the front of the mailbox. If the actor has ended for good, an ask fails for its sender instead, and a tell becomes
   * a dead letter. A message whose ask is done already is forgotten.
   */
  putBack(envelopes: readonly Envelope[]): void {
    const open = envelopes.filter(({ ask }) => ask?.done() !== true)
    if (!this.closed) {
      this.mailbox.unshift(open)
      return
    }
    for (const envelope of open) {
      if (envelope.ask === null) this.runtime.deadLetter(this.path, envelope, 'stopped')
      else envelope.ask.refuse(new ActorStopped(this.path, this.lastExit ?? normal, false))
    }
  }

  /**
   * Removes a message that must not be handled any more from the mailbox, or from the stash (the messages that the
   * actor has set aside). Does nothing if the message is in neither.
   */
  withdraw(envelope: Envelope): void {
    if (this.mailbox.remove(envelope)) this.admitSenders()
    else this.incarnation?.forgetStashed(envelope)
  }

  /**
   * Called when the mailbox may have room. As long as there is room, serves the senders that wait for room, oldest
   * first. The message of an ask is put in the mailbox at once. The sender of a tell is only woken, and one place is
   * reserved for its message; `enter()` puts the message in the mailbox when the sender's code continues.
   */
  admitSenders(): void {
    for (let next = this.mailbox.admit(); next !== null; next = this.mailbox.admit()) {
      const { admission } = next
      if (admission === null) this.#accept(next)
      else if (admission.wake()) this.mailbox.keepPlace()
    }
  }

  /**
   * Called when the sender of a tell, which has waited for room in the mailbox, continues. Puts the message in the
   * place that was reserved for it. If the actor is draining, or ends for good, or if the incarnation that the message
   * was sent to has ended, the message becomes a dead letter, and the sender gets the result false.
   */
  enter(admission: Admission): void {
    const { envelope } = admission
    this.mailbox.freePlace()
    envelope.admission = null
    const isLate = this.#pinnedMessages?.isLate(envelope) === true
    const isRefused = isLate || this.closed || this.closing || this.draining
    if (isRefused) {
      const reason = this.draining && !this.closed ? 'draining' : 'stopped'
      this.runtime.deadLetter(this.path, envelope, reason)
    } else this.#accept(envelope)
    admission.setResult(!isRefused)
    this.admitSenders()
  }

  /**
   * Frees the place in the mailbox that was reserved for a sender's message, because the sender was cancelled before it
   * continued.
   */
  giveUpRoom(): void {
    this.mailbox.freePlace()
    this.admitSenders()
  }

  drain(): Future<ExitReason> {
    const { incarnation } = this
    // An incarnation that is ending, for example after a crash, handles no more messages. Then `drain()` does what `stop()`
    // does: a child that is not permanent is not restarted. But `drain()` sets no time limit for `onStop`.
    if (incarnation === null || incarnation.endReason !== null)
      return this.stop(undefined, { timeout: Infinity })
    this.draining = true
    incarnation.wake()
    return incarnation.whenOver()
  }

  override refuseAsks(reason: ExitReason): void {
    super.refuseAsks(reason)
    const { mailbox } = this
    const queued = mailbox.takeAll()
    for (const envelope of queued) {
      if (envelope.ask === null) mailbox.push(envelope)
      else envelope.ask.refuse(new ActorStopped(this.path, reason, false))
    }
    this.#refuseSenders(reason)
  }

  #refuseSenders(reason: ExitReason): void {
    for (const envelope of this.mailbox.takeSenders()) {
      envelope.ask?.refuse(new ActorStopped(this.path, reason, false))
      const { admission } = envelope
      if (admission === null || admission.done()) continue
      this.runtime.deadLetter(this.path, envelope, 'stopped')
      admission.setResult(false)
    }
  }

  /**
   * Empties the mailbox before a restart, for the option `onRestart: 'drop'`. The asks in the mailbox fail with
   * ActorRestarting, and the tells become dead letters.
   */
  dropMailbox(): void {
    for (const envelope of this.mailbox.takeAll()) {
      if (envelope.action !== null) continue
      if (envelope.ask === null) this.runtime.deadLetter(this.path, envelope, 'dropped-on-restart')
      else envelope.ask.refuse(new ActorRestarting(this.path))
    }
    this.admitSenders()
  }

  override exited(incarnation: ActorIncarnation, reason: ExitReason): void {
    super.exited(incarnation, reason)
    this.#pinnedMessages?.incarnationEnded(reason)
    const restarts = restartsAfter(this, reason, incarnation.decision)
    if (restarts && this.spec.mailbox?.onRestart === 'drop') this.dropMailbox()
  }

  override close(reason: ExitReason): void {
    if (this.closed) return
    this.refuseAsks(reason)
    super.close(reason)
    const undelivered = this.mailbox.takeAll().filter((envelope) => envelope.action === null)
    for (const envelope of undelivered) this.runtime.deadLetter(this.path, envelope, 'stopped')
    const latest = this.#latest
    this.#latest = null
    if (undelivered.length > 0)
      tellUndelivered(this, latest?.hooks() ?? null, undelivered.map(asMessage))
  }

  override kill(): Future<ExitReason> {
    if (!restartsAfter(this, killed)) this.refuseAsks(killed)
    return super.kill()
  }
}

registerKind('actor', (spec, owner, runtime) => new ActorChild(spec as ActorSpec, owner, runtime))
