import { Exchange } from './exchange.ts';
import type { RequestOwner } from './incoming-body.ts';
import { type Incoming, type Outgoing } from './message.ts';
import { type Sender } from './send-response.ts';
import type { Service } from './service.ts';
export type Handler = (request: Request) => PromiseLike<Response> | Response;
/** An exchange whose request is answered by a handler of `serve` or `nodeHandler`. */
export declare class HandlerExchange extends Exchange implements RequestOwner, Sender {
    #private;
    constructor(service: Service, handler: Handler, incoming: Incoming, outgoing: Outgoing, url: string);
    get maxBody(): number;
    continue(): void;
    reportUnlessCancelled(error: unknown): void;
    protected answer(): Promise<void>;
}
