import { type CancelledError } from '@tasktree/core';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestOwner } from './incoming-body.ts';
import { type Sender } from './send-response.ts';
import type { Service, Work } from './service.ts';
/**
 * Takes over a connection that its client wants to upgrade, as to a WebSocket. A Response that it throws or returns
 * refuses the upgrade.
 */
export type UpgradeHandler = (request: Request, socket: Duplex, head: Buffer) => PromiseLike<Response | void> | Response | void;
/** An upgraded connection. Its task is cancelled when the connection closes. */
export declare class Upgrade implements RequestOwner, Sender, Work {
    #private;
    readonly incoming: IncomingMessage;
    readonly maxBody: number;
    constructor(service: Service, incoming: IncomingMessage, socket: Duplex);
    begin(onUpgrade: UpgradeHandler, head: Buffer): void;
    get signal(): AbortSignal;
    leave(): void;
    continue(): void;
    stop(reason: CancelledError): void;
    mustClose(): boolean;
    reportUnlessCancelled(error: unknown): void;
    get outgoing(): ServerResponse;
    get isClosed(): boolean;
}
