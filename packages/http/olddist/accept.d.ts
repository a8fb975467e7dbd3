import { type Handler } from './handler-exchange.ts';
import { type Incoming, type Outgoing } from './message.ts';
import type { Service } from './service.ts';
/** Begins the exchange of a request, or refuses it without calling the handler. */
export declare function accept(service: Service, handler: Handler, incoming: Incoming, outgoing: Outgoing, awaitsContinue?: boolean): void;
export declare function requestUrl(incoming: Incoming): string | null;
/** @throws {TypeError} when `handler` is not a function */
export declare function checkHandler(call: string, handler: unknown): void;
