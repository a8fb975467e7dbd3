import { activeFlow } from './handler-flow.ts'

/**
 * Returns a key for a message that the running handler sends: the handler's own idempotency key with the number of the call
 * in that handler. A handler that runs again, and sends the same messages in the same order, gives each the same key as
 * before, so the receivers can tell repeated messages. Null outside of a handler, and when the handler's message has no key.
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
