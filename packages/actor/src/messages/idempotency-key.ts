import { activeFlow, type HandlerFlow } from './handler-flow.ts'

/**
 * For each run of a handler, counts the keys that this run has made with `deriveIdempotencyKey()`. Each key is a prefix
 * and a number: `order-7:mail:1` has the prefix `order-7:mail`. The inner map has one count for each prefix. A run that
 * handles a message again after `ctx.stash()` counts from 0 again.
 */
const derived = new WeakMap<HandlerFlow, Map<string, number>>()

/**
 * Returns an idempotency key (a text by which the receiver recognizes a message that it gets again) for a message that
 * the running handler sends. The key consists of the idempotency key of the message that is being handled, and of the
 * number of this call in this run of the handler. Returns null outside of a handler, and if the message that is being
 * handled has no key.
 *
 * The handler may run again for the same message, because a sender sends the message again with the same key, or
 * because the handler has stashed it. If the handler then sends the same messages in the same order, each of them gets
 * the same key as before. So the receivers can detect repeated messages.
 *
 * A later run may send other messages than the first one, or send them in another order. Then pass `content`, a
 * function that returns a text of what is sent. The text becomes a part of the key, and only the calls with this text
 * are counted. So only messages with the same content get the same key, in any order. The function is called only if
 * there is a key.
 *
 * @example
 *     class Orders extends Actor {
 *       place(): (string | null)[] {
 *         // A payment that is sent twice with one key is made once.
 *         return [deriveIdempotencyKey(), deriveIdempotencyKey(), deriveIdempotencyKey(() => 'mail')]
 *       }
 *     }
 *     const orders = await spawn(Orders)
 *     console.log(await orders.ask({ idempotencyKey: 'order-7' }).place()) // [ 'order-7:1', 'order-7:2', 'order-7:mail:1' ]
 *     await orders.stop()
 */
export function deriveIdempotencyKey(content?: () => string): string | null {
  const flow = activeFlow()
  const key = flow?.envelope.ask?.idempotencyKey ?? null
  if (flow === null || key === null) return null
  let numbers = derived.get(flow)
  if (numbers === undefined) derived.set(flow, (numbers = new Map()))
  const prefix = content === undefined ? key : `${key}:${content()}`
  const number = (numbers.get(prefix) ?? 0) + 1
  numbers.set(prefix, number)
  return `${prefix}:${number}`
}
