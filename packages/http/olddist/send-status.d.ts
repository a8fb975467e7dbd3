import { type OutgoingHttpHeaders } from 'node:http';
import { type Outgoing } from './message.ts';
/** Sends a response of this package, which has no body. Does nothing when the head was sent already. */
export declare function sendStatus(outgoing: Outgoing, status: number, headers?: OutgoingHttpHeaders): void;
