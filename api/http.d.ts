// dist/accept-request.d.ts
import { type Handler } from './handler-exchange.ts';
import { type Incoming, type Outgoing } from './node-messages.ts';
import type { Service } from './service.ts';
export declare function acceptRequest(service: Service, handler: Handler, incoming: Incoming, outgoing: Outgoing, awaitsContinue?: boolean): void;
export declare function requestUrl(incoming: Incoming): string | null;
export declare function checkHandler(call: string, handler: unknown): void;

// dist/client-gone.d.ts
import { type Incoming, type Outgoing } from './node-messages.ts';
export declare function hasGone(outgoing: Outgoing): boolean;
export declare function onClosed(incoming: Incoming, outgoing: Outgoing, listener: () => void): void;

// dist/connection.d.ts
import { type Incoming } from './node-messages.ts';
export interface Connection {
    readonly remoteAddress: string | undefined;
    readonly remotePort: number | undefined;
    readonly encrypted: boolean;
    readonly rawRequest: Incoming;
}
export declare function rememberRaw(request: object, incoming: Incoming): void;
export declare function connection(request: Request): Connection;

// dist/decoded-body.d.ts
export declare function noteDecoding(body: ReadableStream, headers: Headers): void;
export declare function isDecoded(body: ReadableStream): boolean;

// dist/errors.d.ts
import { CancelledError } from '@tasktree/core';
export declare class ClientGoneError extends CancelledError {
    readonly name: string;
    readonly code: string;
    readonly status: number;
    readonly statusCode: number;
    readonly expose: boolean;
    constructor(message?: string);
    getResponse(): Response;
}
export declare class ServerStoppedError extends CancelledError {
    readonly name: string;
    readonly code: string;
    constructor();
}
export declare class BodyTooLargeError extends Error {
    readonly name: string;
    readonly code: string;
    readonly status: number;
    readonly statusCode: number;
    constructor(maxBody: number);
}
export declare function holds(question: () => boolean): boolean;
export declare function isBodyTooLarge(error: unknown): error is BodyTooLargeError;
export declare function isPlainCancel(error: unknown): boolean;
export declare function isOfCancel(error: unknown): boolean;
export declare function isOfUseAfterEnd(error: unknown): boolean;

// dist/exchange.d.ts
import { type CancelledError, type Task } from '@tasktree/core';
import { type Incoming, type Outgoing } from './node-messages.ts';
import { type Service, Work } from './service.ts';
export declare abstract class Exchange extends Work {
    #private;
    readonly service: Service;
    readonly incoming: Incoming;
    readonly outgoing: Outgoing;
    awaitsContinue: boolean;
    constructor(service: Service, incoming: Incoming, outgoing: Outgoing);
    protected abstract answer(): Promise<void>;
    protected answered(): void;
    protected finished(): void;
    begin(): void;
    protected noteFailure(error: unknown): void;
    get task(): Task<void>;
    get isClosed(): boolean;
    get signal(): AbortSignal;
    isBeingCancelled(): boolean;
    stop(reason: CancelledError): void;
    refuse(): void;
    leave(): void;
    mustClose(): boolean;
    protected closing(): Record<string, string>;
}
export declare function taskName(incoming: Incoming): string;

// dist/express.d.ts
import type { Incoming, Outgoing } from './node-messages.ts';
import { type ScopeOptions } from './service.ts';
export type { ScopeOptions } from './service.ts';
export type Next = (error?: unknown) => void;
export type RequestScope = (incoming: Incoming, outgoing: Outgoing, next: Next) => void;
export declare function requestScope(options?: ScopeOptions): RequestScope;
export declare function ignoreCancelled(error: unknown, incoming: Incoming, _outgoing: Outgoing, next: Next): void;

// dist/fastify.d.ts
import type { FastifyPluginCallback } from 'fastify';
import { type ScopeOptions } from './service.ts';
export type { ScopeOptions } from './service.ts';
export declare const fastifyScope: FastifyPluginCallback<ScopeOptions>;

// dist/fetch.d.ts
export interface FetchRetry {
    attempts?: number | undefined;
    backoff?: ((attempt: number, error?: unknown) => number) | undefined;
}
export interface FetchInit extends RequestInit {
    timeout?: number | undefined;
    retry?: number | FetchRetry | undefined;
}
export declare function fetch(input: string | URL | Request, init?: FetchInit): Promise<Response>;

// dist/framework-exchange.d.ts
import { type Task } from '@tasktree/core';
import { Exchange } from './exchange.ts';
import { type Incoming, type Outgoing } from './node-messages.ts';
import type { Service } from './service.ts';
type Next = () => Promise<void> | void;
export declare class FrameworkExchange extends Exchange {
    #private;
    constructor(service: Service, incoming: Incoming, outgoing: Outgoing, next: Next, answerRefused: (() => void) | null);
    static begin(service: Service, incoming: Incoming, outgoing: Outgoing, next: Next, answerRefused?: (() => void) | null): FrameworkExchange | null;
    static of(incoming: object): FrameworkExchange | undefined;
    static hasTask(task: Task): boolean;
    isOwnCancel(error: unknown): boolean;
    refuse(): void;
    mustClose(): boolean;
    protected finished(): void;
    protected answer(): Promise<void>;
}
export {};

// dist/handler-exchange.d.ts
import { Exchange } from './exchange.ts';
import type { RequestOwner } from './incoming-body.ts';
import type { Incoming, Outgoing } from './node-messages.ts';
import { type Sender } from './send-response.ts';
import type { Service } from './service.ts';
export type Handler = (request: Request) => PromiseLike<Response> | Response;
export declare class HandlerExchange extends Exchange implements RequestOwner, Sender {
    #private;
    constructor(service: Service, handler: Handler, incoming: Incoming, outgoing: Outgoing, url: string);
    get maxBody(): number;
    continue(): void;
    reportUnlessCancelled(error: unknown): void;
    protected answer(): Promise<void>;
}

// dist/hono.d.ts
import type { MiddlewareHandler } from 'hono';
import { type ScopeOptions } from './service.ts';
export type { ScopeOptions } from './service.ts';
export declare function honoScope(options?: ScopeOptions): MiddlewareHandler;

// dist/http-server.d.ts
import { Future } from '@tasktree/core';
import type { Server as PlainServer } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
export type NodeServer = PlainServer | Http2SecureServer;
export declare class HttpServer implements AsyncDisposable {
    #private;
    get url(): string;
    get closed(): Future<void>;
    stop(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/incoming-body.d.ts
import type { Incoming } from './node-messages.ts';
export declare function enlargeReadAhead(readable: object): void;
export interface RequestOwner {
    readonly incoming: Incoming;
    readonly signal: AbortSignal;
    readonly maxBody: number;
    leave(): void;
    continue(): void;
}
export declare class IncomingBody {
    #private;
    constructor(owner: RequestOwner);
    read(): Promise<Buffer | null>;
    readAll(): Promise<Buffer>;
    stream(): ReadableStream<Uint8Array>;
}

// dist/incoming-request.d.ts
import { type RequestOwner } from './incoming-body.ts';
export declare class IncomingRequest {
    #private;
    readonly url: string;
    constructor(owner: RequestOwner, url: string);
    static ownerOf(request: unknown): RequestOwner | null;
    get method(): string;
    get headers(): Headers;
    get signal(): AbortSignal;
    get body(): ReadableStream<Uint8Array> | null;
    get bodyUsed(): boolean;
    bytes(): Promise<Uint8Array<ArrayBuffer>>;
    arrayBuffer(): Promise<ArrayBuffer>;
    text(): Promise<string>;
    json(): Promise<unknown>;
    blob(): Promise<Blob>;
    formData(): Promise<FormData>;
    clone(): Request;
}

// dist/index.d.ts
export { connection, type Connection } from './connection.ts';
export { BodyTooLargeError, ClientGoneError, ServerStoppedError } from './errors.ts';
export { HttpServer } from './http-server.ts';
export { nodeHandler } from './node-handler.ts';
export { ready } from './ready.ts';
export { Response } from './response.ts';
export { type Limits, serve, type ServeOptions } from './serve.ts';
export type { Handler } from './handler-exchange.ts';
export type { HandlerOptions, ScopeOptions } from './service.ts';
export { fetch, type FetchInit, type FetchRetry } from './fetch.ts';
export { shutdownOn, type ShutdownOptions, type Stoppable } from './shutdown-on.ts';
export { type ServerSentEvent, sse } from './sse.ts';
export type { UpgradeHandler } from './upgrade.ts';

// dist/instrument.d.ts
import { Tracing } from '@tasktree/core/lowlevel';
import type { Incoming, Outgoing } from './node-messages.ts';
export interface RequestTrace {
    readonly incoming: Incoming;
    readonly outgoing: Outgoing;
}
export declare const requestTracing: Tracing<RequestTrace>;

// dist/node-handler.d.ts
import type { Handler } from './handler-exchange.ts';
import type { Incoming, Outgoing } from './node-messages.ts';
import { type HandlerOptions } from './service.ts';
export declare function nodeHandler(handler: Handler, options?: HandlerOptions): (incoming: Incoming, outgoing: Outgoing) => void;

// dist/node-messages.d.ts
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
export type Incoming = IncomingMessage | Http2ServerRequest;
export type Outgoing = ServerResponse | Http2ServerResponse;
export declare function streamOf(message: Incoming | Outgoing): ServerHttp2Stream | undefined;
export declare function isHttp2(message: Incoming | Outgoing): message is Http2ServerResponse;
export declare function isEncrypted(socket: object): boolean;

// dist/ready.d.ts
export declare function ready(request: Request): Response;

// dist/request-deadline.d.ts
import { type CancelScope } from '@tasktree/core';
interface LimitedRequest {
    readonly answer: (scope: CancelScope) => Promise<void>;
    readonly refuse: () => void;
}
export declare function answerBefore(deadline: number, { answer, refuse }: LimitedRequest): Promise<void>;
export {};

// dist/request-url.d.ts
export declare function urlOf(scheme: string, host: string, target: string): string | null;

// dist/reset-response.d.ts
import { type Outgoing } from './node-messages.ts';
export declare function resetResponse(outgoing: Outgoing): void;

// dist/response-body-reader.d.ts
import { Future } from '@tasktree/core';
import type { ServerResponse } from 'node:http';
export declare class BodyReader {
    #private;
    constructor(body: ReadableStream<Uint8Array>, onFailure: (error: unknown) => void);
    look(): Promise<{
        hasBegun: boolean;
        whole: Uint8Array | null;
    }>;
    sendTo(outgoing: ServerResponse): Future<void>;
    cancel(reason: unknown): void;
}

// dist/response.d.ts
import type { OutgoingHttpHeaders } from 'node:http';
export interface PlainResponse {
    readonly status: number;
    readonly statusText: string;
    readonly headers: OutgoingHttpHeaders;
    readonly body: string | Uint8Array | null;
}
export declare const Response: typeof globalThis.Response;
export declare function plainOf(response: unknown): PlainResponse | null;
export declare function hasNoBody(status: number): boolean;

// dist/send-response.d.ts
import { type Incoming, type Outgoing } from './node-messages.ts';
export interface Sender {
    readonly incoming: Incoming;
    readonly outgoing: Outgoing;
    readonly isClosed: boolean;
    readonly signal: AbortSignal;
    mustClose(): boolean;
    reportUnlessCancelled(error: unknown): void;
}
export declare function isResponse(value: unknown): value is Response;
export declare function sendResponse(sender: Sender, response: Response): Promise<void> | null;

// dist/send-status.d.ts
import { type OutgoingHttpHeaders } from 'node:http';
import { type Outgoing } from './node-messages.ts';
export declare function sendStatus(outgoing: Outgoing, status: number, headers?: OutgoingHttpHeaders): void;

// dist/serve.d.ts
import { type SecureServerOptions } from 'node:http2';
import type { Handler } from './handler-exchange.ts';
import { HttpServer } from './http-server.ts';
import { type HandlerOptions } from './service.ts';
import { type UpgradeHandler } from './upgrade.ts';
export interface Limits {
    maxHeaderSize?: number | undefined;
    headersTimeout?: number | undefined;
    requestTimeout?: number | undefined;
    keepAliveTimeout?: number | undefined;
    connectionsCheckingInterval?: number | undefined;
}
export interface ServeOptions extends HandlerOptions {
    port?: number | undefined;
    host?: string | undefined;
    path?: string | undefined;
    tls?: SecureServerOptions | undefined;
    grace?: number | undefined;
    drainDelay?: number | undefined;
    httpAllowHalfOpen?: boolean | undefined;
    onUpgrade?: UpgradeHandler | undefined;
    limits?: Limits | undefined;
}
export declare function serve(handler: Handler, options?: ServeOptions): Promise<HttpServer>;

// dist/service.d.ts
import { type CancelledError, type Task } from '@tasktree/core';
import { type Linked, LinkedList } from '@tasktree/core/lowlevel';
import type { Duplex } from 'node:stream';
import type { Incoming } from './node-messages.ts';
export interface ScopeOptions {
    deadline?: number | undefined;
    maxRequests?: number | undefined;
}
export interface HandlerOptions extends ScopeOptions {
    maxBody?: number | undefined;
    onError?: ((error: unknown, request: Request) => void) | undefined;
}
export declare abstract class Work implements Linked<Work> {
    abstract readonly incoming: Incoming;
    list: LinkedList<Work> | null;
    nextInList: Work | null;
    previousInList: Work | null;
    abstract stop(reason: CancelledError): void;
}
export declare class Service {
    #private;
    readonly deadline: number | undefined;
    readonly maxRequests: number;
    readonly maxBody: number;
    isDraining: boolean;
    onEnd: ((work: Work) => void) | null;
    constructor(options: HandlerOptions | undefined);
    get running(): number;
    stop(reason: CancelledError): void;
    isServing(socket: Duplex): boolean;
    isFull(): boolean;
    add(work: Work): void;
    remove(work: Work): void;
    report(exception: unknown, request: Request, task: Task, message: string): void;
}

// dist/shutdown-on.d.ts
export type Stoppable = {
    stop(): PromiseLike<unknown>;
} | AsyncDisposable;
export interface ShutdownOptions {
    exitAfter?: number | undefined;
}
export declare function shutdownOn(signals: NodeJS.Signals | readonly NodeJS.Signals[], target: Stoppable, options?: ShutdownOptions): Disposable;

// dist/sse.d.ts
export interface ServerSentEvent {
    data?: string | undefined;
    event?: string | undefined;
    id?: string | undefined;
    retry?: number | undefined;
    comment?: string | undefined;
}
export declare function sse(events: AsyncIterable<ServerSentEvent>): Response;

// dist/upgrade.d.ts
import { type CancelledError } from '@tasktree/core';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestOwner } from './incoming-body.ts';
import { type Sender } from './send-response.ts';
import { type Service, Work } from './service.ts';
export type UpgradeHandler = (request: Request, socket: Duplex, head: Buffer) => PromiseLike<Response | void> | Response | void;
export declare class Upgrade extends Work implements RequestOwner, Sender {
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
