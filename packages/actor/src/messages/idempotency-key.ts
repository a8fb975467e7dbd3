import { activeFlow, type HandlerFlow } from './handler-flow.ts'

/**
 * Maps each run of a handler to the number of keys that it has derived. A run after `ctx.stash()` is another run, and
 * counts from 0 again.
 */
const derived = new WeakMap<HandlerFlow, number>()

/**
 * Returns a key for a message that the running handler sends. The key is the idempotency key of the handler's own
 * message, followed by the number of this call in this run of the handler. The handler may run again for the same
 * message, because a sender sends the message again with the same key, or because the handler has stashed it. If the
 * handler then sends the same messages in the same order, each of them gets the same key as before. So the receivers can
 * detect repeated messages. Returns null outside of a handler, and when the handler's own message has no key.
 *
 * @example
 *     class Orders extends Actor {
 *       place(): (string | null)[] {
 *         // A payment that is sent twice with one key is made once.
 *         return [deriveIdempotencyKey(), deriveIdempotencyKey()]
 *       }
 *     }
 *     const orders = await spawn(Orders)
 *     console.log(await orders.ask({ idempotencyKey: 'order-7' }).place()) // [ 'order-7:1', 'order-7:2' ]
 *     await orders.stop()
 */
export function deriveIdempotencyKey(): string | null {
  const flow = activeFlow()
  const key = flow?.envelope.ask?.idempotencyKey ?? null
  if (flow === null || key === null) return null
  const number = (derived.get(flow) ?? 0) + 1
  derived.set(flow, number)
  return `${key}:${number}`
}
