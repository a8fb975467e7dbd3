import { Exchange } from './exchange.ts';
import type { Incoming, Outgoing } from './message.ts';
import type { Service } from './service.ts';
/**
 * An exchange whose request is answered by a framework. The rest of the framework's work on the request is done inside the
 * task, which lasts until the response is closed.
 */
export declare class FrameworkExchange extends Exchange {
    #private;
    constructor(service: Service, incoming: Incoming, outgoing: Outgoing, next: () => unknown, answerRefused: (() => void) | null);
    /**
     * Calls `next` in the task of the request; answers 503 instead when there are too many requests. `answerRefused` is for a
     * framework that has to send the answer to a cancelled request itself.
     */
    static begin(service: Service, incoming: Incoming, outgoing: Outgoing, next: () => unknown, answerRefused?: (() => void) | null): FrameworkExchange | null;
    static of(incoming: object): FrameworkExchange | undefined;
    refuse(): void;
    protected finished(): void;
    protected answer(): Promise<void>;
}
