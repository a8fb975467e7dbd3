import { activeFlow } from './handler-flow.ts'

/**
 * Returns a key for a message that the running handler sends. The key is the idempotency key of the handler's own
 * message, followed by the number of this call in the handler. A sender may send the handler's message again with the
 * same key. If the handler then sends the same messages in the same order, each of them gets the same key as before. So
 * the receivers can detect repeated messages. Returns null outside of a handler, and when the handler's own message has
 * no key.
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
  const ask = activeFlow()?.envelope.ask ?? null
  if (ask === null || ask.idempotencyKey === null) return null
  return `${ask.idempotencyKey}:${++ask.derivedKeys}`
}
