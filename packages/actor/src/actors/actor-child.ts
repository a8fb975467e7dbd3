import { currentTask, type Future } from '@tasktree/core'
import { flowOf } from '../messages/current-message.ts'
import { ActorRef } from './actor-ref.ts'
import { ActorIncarnation } from './actor-incarnation.ts'
import { AskFuture, type AskOptions } from '../messages/ask.ts'
import { checkCircle, findInChain } from '../messages/ask-cycle.ts'
import type { ActorSpec } from '../children/child-spec.ts'
import { ActorRestarting, ActorStopped, AskCycle, MailboxFull, NoProc } from '../errors.ts'
import type { DeadLetterReason } from '../runtime/events.ts'
import { type ExitReason, killed, normal } from '../exit-reason.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { tellUndelivered } from './crash.ts'
import { Admission, Mailbox } from '../messages/mailbox.ts'
import { registerKind } from '../children/child-kinds.ts'
import { asMessage, Envelope } from '../messages/envelope.ts'
import { type Owner, Child } from '../children/child.ts'

/** An actor over all its incarnations: its mailbox outlives them. */
export class ActorChild extends Child {
  readonly kind = 'actor' as const
  declare spec: ActorSpec
  declare incarnation: ActorIncarnation | null
  readonly mailbox: Mailbox
  /** Handles what there is and takes nothing more. */
  draining = false
  /** The latest incarnation, for what it should hear after its end. */
  #last: ActorIncarnation | null = null

  constructor(spec: ActorSpec, owner: Owner, runtime: Runtime) {
    super(spec, owner, runtime)
    this.mailbox = new Mailbox(spec.mailbox)
  }

  protected override makeRef(): ActorRef {
    return new ActorRef(this)
  }

  protected override makeIncarnation(number: number): ActorIncarnation {
    this.draining = false
    const incarnation = new ActorIncarnation(this, number)
    this.#last = incarnation
    return incarnation
  }

  #isGone(pinned: number): boolean {
    return this.closed || (pinned !== 0 && (pinned !== this.number || this.incarnation === null))
  }

  tell(type: string, args: readonly unknown[], pinned = 0): Future<boolean> {
    const envelope = new Envelope(type, args, null)
    if (this.#isGone(pinned)) return this.#refuseTell(envelope, 'no-proc')
    if (this.draining) return this.#refuseTell(envelope, 'draining')
    if (this.mailbox.isFull()) return this.#overflow(envelope)
    this.#accept(envelope)
    return this.runtime.accepted
  }

  #refuseTell(envelope: Envelope, reason: DeadLetterReason): Future<boolean> {
    this.runtime.deadLetter(this.path, envelope, reason)
    return this.runtime.refused
  }

  #accept(envelope: Envelope): void {
    const { incarnation } = this
    if (incarnation !== null && incarnation.current !== null && incarnation.serves(envelope)) {
      incarnation.interleave(envelope)
      return
    }
    this.mailbox.push(envelope)
    incarnation?.wake()
  }

  #overflow(envelope: Envelope): Future<boolean> {
    const { mailbox } = this
    if (mailbox.overflow === 'wait') {
      const admission = new Admission(this.runtime.loop, envelope, this)
      envelope.admission = admission
      mailbox.wait(envelope)
      const asker = flowOf(currentTask())
      if (asker !== null) checkCircle(asker.incarnation, admission)
      return admission
    }
    if (mailbox.overflow === 'drop-oldest' && this.#dropOldestTell()) {
      this.#accept(envelope)
      return this.runtime.accepted
    }
    return this.#refuseTell(envelope, 'mailbox-full')
  }

  #dropOldestTell(): boolean {
    const oldest = this.mailbox.find((each) => each.action === null && each.ask === null)
    if (oldest === null) return false
    this.mailbox.remove(oldest)
    this.runtime.deadLetter(this.path, oldest, 'dropped-oldest')
    return true
  }

  ask(
    type: string,
    args: readonly unknown[],
    options: AskOptions | undefined,
    pinned = 0,
  ): AskFuture {
    const asker = flowOf(currentTask())
    const ask = new AskFuture(
      this.runtime.loop,
      this,
      type,
      args,
      asker === null ? null : asker.incarnation,
    )
    if (this.#isGone(pinned)) {
      ask.refuse(new NoProc(this.path))
      return ask
    }
    if (this.closing || this.draining) {
      ask.refuse(new ActorStopped(this.path, this.incarnation?.endReason ?? normal, false))
      return ask
    }
    const { envelope } = ask
    if (asker !== null) {
      envelope.chain = {
        incarnation: asker.incarnation,
        reentrant: options?.reentrant === true,
        up: asker.current?.chain ?? null,
      }
      if (this.incarnation?.interleaves(type) !== true) {
        const cycle = findInChain(envelope.chain, this)
        if (cycle !== null) {
          ask.refuse(new AskCycle(cycle))
          return ask
        }
      }
    }
    ask.arm(options)
    if (ask.done()) return ask
    if (!this.mailbox.isFull()) this.#accept(envelope)
    else if (this.mailbox.overflow === 'wait') this.mailbox.wait(envelope)
    else if (this.mailbox.overflow === 'drop-oldest' && this.#dropOldestTell()) {
      this.#accept(envelope)
    } else ask.refuse(new MailboxFull(this.path, this.mailbox.capacity))
    if (asker !== null && this.incarnation !== null && this.incarnation.current !== null) {
      checkCircle(asker.incarnation, ask)
    }
    return ask
  }

  /** A message of the library: it has room always. */
  push(envelope: Envelope): void {
    this.mailbox.push(envelope)
    this.incarnation?.wake()
  }

  /** The sender has given it up. */
  withdraw(envelope: Envelope): void {
    if (this.mailbox.remove(envelope)) this.admitSenders()
    else this.incarnation?.forgetStashed(envelope)
  }

  /** There is room: the senders in line move up. */
  admitSenders(): void {
    for (let next = this.mailbox.admit(); next !== null; next = this.mailbox.admit()) {
      const { admission } = next
      if (admission === null) this.#accept(next)
      else if (admission.wake()) this.mailbox.keepPlace()
    }
  }

  /** The turn of a sender that was let in. */
  enter(admission: Admission): void {
    const { envelope } = admission
    this.mailbox.freePlace()
    envelope.admission = null
    if (this.closed || this.closing) {
      admission.setException(
        new ActorStopped(this.path, this.incarnation?.endReason ?? this.lastExit ?? normal, false),
      )
      return
    }
    this.#accept(envelope)
    admission.setResult(true)
    this.admitSenders()
  }

  /** A sender that was let in has gone. */
  giveUpRoom(): void {
    this.mailbox.freePlace()
    this.admitSenders()
  }

  drain(): Future<ExitReason> {
    const { incarnation } = this
    if (incarnation === null) return this.stop(undefined, undefined)
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
      const error = new ActorStopped(this.path, reason, false)
      envelope.ask?.refuse(error)
      if (envelope.admission?.done() === false) envelope.admission.setException(error)
    }
  }

  /** The next incarnation shall not see what the last one was sent. */
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
    if (this.spec.mailbox?.onRestart === 'drop' && this.restartsAfter(reason)) this.dropMailbox()
  }

  override close(reason: ExitReason): void {
    if (this.closed) return
    this.refuseAsks(reason)
    super.close(reason)
    const undelivered = this.mailbox.takeAll().filter((envelope) => envelope.action === null)
    for (const envelope of undelivered) this.runtime.deadLetter(this.path, envelope, 'stopped')
    const last = this.#last
    this.#last = null
    if (undelivered.length > 0)
      tellUndelivered(this, last?.hooks() ?? null, undelivered.map(asMessage))
  }

  override kill(): Future<ExitReason> {
    if (!this.restartsAfter(killed)) this.refuseAsks(killed)
    return super.kill()
  }
}

registerKind('actor', (spec, owner, runtime) => new ActorChild(spec as ActorSpec, owner, runtime))
