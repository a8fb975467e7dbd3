import { type Incoming, type Outgoing } from './message.ts';
/** Whose response is sent: an exchange, or an upgrade that is refused. */
export interface Sender {
    readonly incoming: Incoming;
    readonly outgoing: Outgoing;
    readonly isClosed: boolean;
    readonly signal: AbortSignal;
    mustClose(): boolean;
    /** For the clean-up of a source: the cancel itself is no failure. */
    reportUnlessCancelled(error: unknown): void;
}
/** Whether `value` is a `Response`, of this realm or of another one, as that of the package undici. */
export declare function isResponse(value: unknown): value is Response;
/**
 * Sends `response` to the client. Null when it was sent at once; else a promise of the end of its body. A cancel ends the
 * sending, and the source of the body as well.
 *
 * @throws {TypeError} for what is not a Response, and for one whose body was read already
 */
export declare function sendResponse(sender: Sender, response: Response): Promise<void> | null;
