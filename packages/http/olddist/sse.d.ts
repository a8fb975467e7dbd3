/** An event of `EventSource`. */
export interface ServerSentEvent {
    /** The text of the event; it may have several lines. */
    data?: string | undefined;
    /** The name that listeners have registered for. @defaultValue 'message' */
    event?: string | undefined;
    /** What a client that connects again sends as `Last-Event-ID`. */
    id?: string | undefined;
    /** How many milliseconds a client waits before it connects again. */
    retry?: number | undefined;
    /** A line that clients ignore, which keeps the connection alive. */
    comment?: string | undefined;
}
/**
 * A response that sends each of `events`, and ends with them. When the client goes, the source is ended: what it waits for
 * is cancelled, and its `finally` blocks run. The next event is asked for only when the client has taken the one before.
 *
 * @throws {TypeError} when `events` cannot be iterated
 *
 * @example
 *     serve(() => sse(prices()))
 *
 *     async function* prices(): AsyncIterable<ServerSentEvent> {
 *       for await (const price of market.subscribe()) yield { event: 'price', data: String(price) }
 *     }
 */
export declare function sse(events: AsyncIterable<ServerSentEvent>): Response;
