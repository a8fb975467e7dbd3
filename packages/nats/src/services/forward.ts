/** Gives a message from another program to an actor, and sends the outcome back. */
import { type ActorRef, MailboxFull } from '@tasktree/actor'
import { type Context, copyContext, ensureFuture, Future } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import type { Bus } from '../bus/bus.ts'
import { type AskMessage, overloaded } from '../wire/ask-message.ts'
import type { Codec } from '../wire/codec.ts'
import { encodeOutcome, type Outcome } from '../wire/outcome.ts'
import { readable } from '../wire/readable.ts'
import { carrierOf, serveTracing, traceparent } from '../wire/trace.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- a ref to any actor
export type AnyRef = ActorRef<any>

type Sends = Record<string, ((...args: readonly unknown[]) => PromiseLike<unknown>) | undefined>

/**
 * Calls the method that the message names, of the object that `choose` returns, such as `ref.ask`. `choose` is given the
 * options with which the handler has the trace context of the message; the call itself has that context too, for a ref
 * that is not of an actor. If anything fails, even the decoding, the returned future fails with that error.
 */
export function forward(
  what: string,
  message: AskMessage,
  codec: Codec,
  choose: (options: { readonly context?: Context }) => unknown,
): Future<unknown> {
  const context = contextFor(message)
  const send = (): Future<unknown> => {
    const args = codec.decode(message.body) as readonly unknown[]
    const sends = choose(context === null ? {} : { context }) as Sends
    const method = sends[message.method]
    if (typeof method !== 'function') {
      throw new TypeError(`${what} has no message ${message.method}`)
    }
    return ensureFuture(Reflect.apply(method, sends, args))
  }
  try {
    const call = serveTracing.isOn ? () => traced(what, message, send) : send
    return context === null ? call() : context.run(call)
  } catch (error) {
    const failed = new Future<unknown>()
    failed.setException(readable(error, what))
    return failed
  }
}

/** Returns a context with the trace context of the message; null if the message has none. */
function contextFor(message: AskMessage): Context | null {
  if (message.traceparent === null) return null
  const context = copyContext()
  context.run(() => traceparent.set(message.traceparent))
  return context
}

function traced(
  receiver: string,
  { method, traceparent: header }: AskMessage,
  send: () => Future<unknown>,
): Future<unknown> {
  const trace = { receiver, method, carrier: carrierOf(header) }
  const sent = serveTracing.run(trace, trace, send)
  observe(sent, () => {
    if (sent.cancelled()) serveTracing.settle(trace, { cancelled: true })
    else {
      const error = sent.exception()
      serveTracing.settle(trace, error === null ? {} : { error })
    }
  })
  return sent
}

/** Sends the outcome of a message to where its sender waits. `what` names the message in errors. */
export function answer(
  bus: Bus,
  codec: Codec,
  reply: string,
  what: string,
  outcome: Outcome,
): void {
  const wasFull = outcome.kind === 'error' && outcome.error instanceof MailboxFull
  bus.publish(reply, wasFull ? overloaded : encodeOutcome(outcome, codec, what, bus.maxPayload))
}
