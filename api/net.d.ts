// dist/addresses.d.ts
import { type LookupAddress } from 'node:dns';
export declare function addressesOf(host: string, signal?: AbortSignal): Promise<LookupAddress[]>;
export declare function distinct(addresses: readonly LookupAddress[]): LookupAddress[];
export declare function displayAddress(address: string): string;
export declare function nameOf(address: string | undefined, port: number | undefined): [host: string, port: number] | undefined;

// dist/bulk-reads.d.ts
import { Socket } from 'node:net';
export declare const isNode: boolean;
export type Receiver = (bytes: Buffer, lent: boolean) => boolean;
export declare function withBulkReads(socket: Socket, receive: Receiver): Socket;

// dist/cancel-unawaited.d.ts
import type { Future } from '@tasktree/core';
export declare function cancelUnawaited(future: Future<unknown>): void;

// dist/connect.d.ts
import type { StreamReader, StreamWriter, WaitOptions } from '@tasktree/streams';
import { type DialOptions } from './happy-eyeballs.ts';
import type { BufferedProtocol, Protocol } from './protocol.ts';
import { type Target } from './target.ts';
import { type TlsOptions } from './tls.ts';
import { Transport } from './transport.ts';
export interface ConnectOptions extends DialOptions, WaitOptions {
    tls?: TlsOptions | true | undefined;
    timeout?: number | undefined;
    sslShutdownTimeout?: number | undefined;
}
export interface OpenOptions extends ConnectOptions {
    limit?: number | undefined;
}
export declare function openConnection(target: Target, options?: OpenOptions): Promise<[StreamReader, StreamWriter]>;
export declare function openConnection(host: string, port: number, options?: OpenOptions): Promise<[StreamReader, StreamWriter]>;
export declare function createConnection<P extends Protocol | BufferedProtocol>(factory: () => P, target: Target, options?: ConnectOptions): Promise<[Transport, P]>;
export declare function createConnection<P extends Protocol | BufferedProtocol>(factory: () => P, host: string, port: number, options?: ConnectOptions): Promise<[Transport, P]>;

// dist/create-server.d.ts
import { type ListenerOptions } from './listen.ts';
import type { BufferedProtocol, Protocol } from './protocol.ts';
import { Server } from './server.ts';
export declare function parseListen<O extends ListenerOptions>(hostOrOptions: string | O, port: number | undefined, more: O | undefined): O;
export declare function createServer(factory: () => Protocol | BufferedProtocol, options: ListenerOptions): Promise<Server>;
export declare function createServer(factory: () => Protocol | BufferedProtocol, host: string, port: number, options?: ListenerOptions): Promise<Server>;
export declare function started(server: Server, options: ListenerOptions): Promise<Server>;

// dist/datagram-socket.d.ts
import { type WaitOptions } from '@tasktree/streams';
import { type DatagramAddress, type DatagramOptions, type DatagramTransport } from './datagram.ts';
export interface DatagramSocketOptions extends DatagramOptions {
    limit?: number | undefined;
}
export type Datagram = [data: Buffer, address: DatagramAddress];
export declare class DatagramSocket implements AsyncIterable<Datagram>, AsyncDisposable {
    #private;
    private constructor();
    static open(options?: DatagramSocketOptions): Promise<DatagramSocket>;
    get transport(): DatagramTransport;
    get dropped(): number;
    send(data: Uint8Array | string, address?: DatagramAddress, options?: WaitOptions): Promise<void>;
    drain(options?: WaitOptions): Promise<void>;
    receive(options?: WaitOptions): Promise<Datagram>;
    [Symbol.asyncIterator](): AsyncGenerator<Datagram, void>;
    getExtraInfo(name: string, fallback?: unknown): unknown;
    close(): void;
    abort(): void;
    isClosing(): boolean;
    waitClosed(options?: WaitOptions): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/datagram.d.ts
import { type WaitOptions } from '@tasktree/streams';
export interface DatagramAddress {
    host: string;
    port: number;
}
export interface DatagramProtocol {
    connectionMade?(transport: DatagramTransport): void;
    datagramReceived?(data: Buffer, address: DatagramAddress): void;
    errorReceived?(error: Error): void;
    connectionLost?(error: Error | null): void;
    pauseWriting?(): void;
    resumeWriting?(): void;
}
export interface DatagramOptions extends WaitOptions {
    localAddr?: {
        host?: string | undefined;
        port?: number | undefined;
    } | undefined;
    remoteAddr?: DatagramAddress | undefined;
    family?: 'udp4' | 'udp6' | undefined;
    reuseAddr?: boolean | undefined;
    reusePort?: boolean | undefined;
    allowBroadcast?: boolean | undefined;
}
export declare class DatagramTransport implements Disposable {
    #private;
    sendTo(data: Uint8Array | string, address?: DatagramAddress): void;
    close(): void;
    abort(): void;
    isClosing(): boolean;
    getWriteBufferSize(): number;
    getExtraInfo(name: string, fallback?: unknown): unknown;
    [Symbol.dispose](): void;
}
export declare function createDatagramEndpoint<P extends DatagramProtocol>(factory: () => P, options?: DatagramOptions): Promise<[DatagramTransport, P]>;
export declare function checkDatagramOptions(options: DatagramOptions): void;

// dist/extra-info.d.ts
import type { Socket } from 'node:net';
export declare function tlsFact(socket: Socket, name: string): unknown;

// dist/happy-eyeballs.d.ts
import { type Socket } from 'node:net';
import type { Target } from './target.ts';
export interface DialOptions {
    localAddr?: {
        host?: string | undefined;
        port?: number | undefined;
    } | undefined;
    happyEyeballsDelay?: number | undefined;
    noDelay?: boolean | undefined;
    keepAlive?: boolean | number | undefined;
}
export declare function keepAliveOf(keepAlive: boolean | number | undefined): {
    keepAlive?: boolean;
    keepAliveInitialDelay?: number;
};
export declare function dial(target: Target, options: DialOptions): Promise<Socket>;

// dist/index.d.ts
export { type ConnectOptions, createConnection, openConnection, type OpenOptions, } from './connect.ts';
export { createDatagramEndpoint, type DatagramAddress, type DatagramOptions, type DatagramProtocol, DatagramTransport, } from './datagram.ts';
export { type Datagram, DatagramSocket, type DatagramSocketOptions } from './datagram-socket.ts';
export type { ListenerOptions } from './listen.ts';
export type { BufferedProtocol, Protocol } from './protocol.ts';
export { createServer } from './create-server.ts';
export { Server, type ServerSocket } from './server.ts';
export { type ClientHandler, startServer, type StartServerOptions } from './start-server.ts';
export type { Target } from './target.ts';
export type { TlsOptions } from './tls.ts';
export { Transport } from './transport.ts';
export { CertificateError, type CertificateErrorOptions, TlsError, type TlsErrorOptions, } from './tls-errors.ts';
export { AddressInUseError, BrokenPipeError, ConnectionRefusedError, ConnectionResetError, GaiError, IncompleteReadError, LimitOverrunError, OSError, StreamReader, StreamWriter, } from '@tasktree/streams';

// dist/instrument.d.ts
import { Tracing } from '@tasktree/core/lowlevel';
import type { Transport } from './transport.ts';
export interface ConnectionTrace {
    readonly transport: Transport;
    readonly peername: unknown;
}
export declare const connectionTracing: Tracing<ConnectionTrace>;

// dist/io-turns.d.ts
export declare function turnsOfIo(count: number): Promise<void>;

// dist/keep-freed-memory.d.ts
export declare function keepFreedMemory(): void;

// dist/listen.d.ts
import { type Server, type Socket } from 'node:net';
import { type TlsOptions } from './tls.ts';
export interface ListenTarget {
    host?: string | readonly string[] | undefined;
    port?: number | undefined;
    path?: string | undefined;
    fd?: number | undefined;
}
export interface ListenerOptions extends ListenTarget {
    tls?: TlsOptions | undefined;
    sslShutdownTimeout?: number | undefined;
    backlog?: number | undefined;
    reusePort?: boolean | undefined;
    ipv6Only?: boolean | undefined;
    noDelay?: boolean | undefined;
    keepAlive?: boolean | number | undefined;
    maxConnections?: number | undefined;
    startServing?: boolean | undefined;
    cleanupSocket?: boolean | undefined;
}
export interface Listener {
    readonly server: Server;
    readonly path: string | null;
    close(): Error | null;
}
export interface ListenerEvents {
    handshake(plain: Socket): void;
    secured(plain: Socket | null): void;
    accept(socket: Socket): void;
    failed(error: Error): void;
    handshakeFailed(error: Error): void;
}
export declare function checkListenerOptions(options: ListenerOptions): void;
export declare function listen(options: ListenerOptions, on: ListenerEvents): Promise<Listener[]>;

// dist/protocol-callbacks.d.ts
import { type EventLoop } from '@tasktree/core';
import { type BufferedProtocol, type Protocol } from './protocol.ts';
import type { Transport } from './transport.ts';
export declare class ProtocolCallbacks {
    #private;
    constructor(protocol: Protocol | BufferedProtocol, loop: EventLoop, abort: (error: Error) => void);
    get protocol(): Protocol | BufferedProtocol;
    set protocol(protocol: Protocol | BufferedProtocol);
    get isBuffered(): boolean;
    connectionMade(transport: Transport): void;
    pauseWriting(): void;
    resumeWriting(): void;
    dataReceived(data: Buffer): void;
    fillBuffer(data: Buffer): number;
    eofReceived(close: () => void): void;
    connectionLost(error: Error | null): void;
}

// dist/protocol.d.ts
import type { Transport } from './transport.ts';
export interface Protocol {
    connectionMade?(transport: Transport): void;
    dataReceived?(data: Buffer): void;
    eofReceived?(): boolean | void;
    connectionLost?(error: Error | null): void;
    pauseWriting?(): void;
    resumeWriting?(): void;
}
export interface BufferedProtocol extends Omit<Protocol, 'dataReceived'> {
    getBuffer(sizeHint: number): Uint8Array;
    bufferUpdated(n: number): void;
}
export declare function checkProtocol(call: string, protocol: unknown): void;
export declare function isBuffered(protocol: Protocol | BufferedProtocol): protocol is BufferedProtocol;
export declare function copyIntoBuffer(protocol: BufferedProtocol, data: Buffer): number;

// dist/run-outside-tasks.d.ts
import { Future } from '@tasktree/core';
export declare function runOutsideTasks<T>(fn: () => T): Future<T>;

// dist/server.d.ts
import { type EventLoop } from '@tasktree/core';
import type { WaitOptions } from '@tasktree/streams';
import { type TlsOptions } from './tls.ts';
export interface ServerSocket {
    address: string;
    port: number;
    family: string;
}
export interface ServerSnapshot {
    listening: string[];
    connections: number;
    handshakes: number;
    peers: string[];
}
export declare class Server implements AsyncDisposable {
    #private;
    get sockets(): ServerSocket[];
    isServing(): boolean;
    getLoop(): EventLoop;
    startServing(): Promise<void>;
    serveForever(options?: WaitOptions): Promise<never>;
    close(): void;
    setSecureContext(options: TlsOptions): void;
    closeClients(): void;
    abortClients(): void;
    waitClosed(options?: WaitOptions): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/start-server.d.ts
import { StreamReader, type StreamWriter } from '@tasktree/streams';
import { type ListenerOptions } from './listen.ts';
import { Server } from './server.ts';
export type ClientHandler = (reader: StreamReader, writer: StreamWriter) => PromiseLike<void> | void;
export interface StartServerOptions extends ListenerOptions {
    limit?: number | undefined;
}
export declare function startServer(onClient: ClientHandler, options: StartServerOptions): Promise<Server>;
export declare function startServer(onClient: ClientHandler, host: string, port: number, options?: StartServerOptions): Promise<Server>;

// dist/start-tls.d.ts
import type { Socket } from 'node:net';
export declare function refuseUnread(length: number): void;
export declare class HeldWrites {
    #private;
    bytes: number;
    add(data: Uint8Array | string, flushed: (() => void) | undefined): void;
    end(): void;
    sendTo(socket: Socket): void;
}

// dist/stream-protocol.d.ts
import { StreamReader, StreamWriter } from '@tasktree/streams';
import type { Protocol } from './protocol.ts';
import type { Transport } from './transport.ts';
export declare class StreamProtocol implements Protocol {
    #private;
    readonly reader: StreamReader;
    constructor(limit: number | undefined, onMade?: (reader: StreamReader, writer: StreamWriter) => void);
    get writer(): StreamWriter;
    connectionMade(transport: Transport): void;
    dataReceived(data: Buffer): void;
    eofReceived(): boolean;
    connectionLost(error: Error | null): void;
    pauseWriting(): void;
    resumeWriting(): void;
}

// dist/target.d.ts
export type Target = {
    host?: string | undefined;
    port: number;
} | {
    path: string;
};
export declare function parseTarget<O extends object>(hostOrTarget: string | Target, portOrOptions: number | O | undefined, more: O | undefined): [Target, O];
export declare function checkHost(host: unknown): void;
export declare function checkPath(path: unknown): void;
export declare function checkPort(port: unknown): void;
export declare function checkLocalAddr(address: unknown): void;
export declare function checkAddress(name: string, address: unknown): void;
export declare function checkFlag(name: string, flag: unknown): void;
export declare function checkKeepAlive(keepAlive: unknown): void;

// dist/tls-errors.d.ts
import { OSError, type OSErrorOptions } from '@tasktree/streams';
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';
export interface TlsErrorOptions extends OSErrorOptions {
    reason?: string | undefined;
}
export declare class TlsError extends OSError {
    readonly name: string;
    readonly reason: string | undefined;
    constructor(message: string, options?: TlsErrorOptions);
}
export interface CertificateErrorOptions extends TlsErrorOptions {
    host?: string | undefined;
    chain?: readonly PeerCertificate[] | undefined;
}
export declare class CertificateError extends TlsError {
    readonly name: string;
    readonly reason: string;
    readonly host: string | undefined;
    readonly chain: readonly PeerCertificate[];
    constructor(message: string, options?: CertificateErrorOptions);
}
export declare function toNetError(error: unknown): Error;
export declare function toCertificateError(error: Error & {
    code?: unknown;
    reason?: unknown;
}, host: string | undefined, leaf: DetailedPeerCertificate | null): CertificateError;

// dist/tls-handshakes.d.ts
import { type EventLoop } from '@tasktree/core';
import type { Socket } from 'node:net';
export declare class TlsHandshakes {
    #private;
    constructor(loop: EventLoop, onSocketClosed: () => void);
    get running(): number;
    get sockets(): number;
    begin(socket: Socket, ms: number): void;
    succeeded(plain: Socket | null): void;
    failed(error: Error): void;
    abort(): void;
    destroySockets(): void;
}

// dist/tls-shutdown.d.ts
import { type EventLoop, TimeoutError } from '@tasktree/core';
import type { TLSSocket } from 'node:tls';
import { type ShutdownOptions } from './tls.ts';
export declare class TlsShutdown implements Disposable {
    #private;
    constructor(socket: TLSSocket, side: 'client' | 'server', options: ShutdownOptions);
    begin(loop: EventLoop, onTimeout: (error: TimeoutError) => void): void;
    [Symbol.dispose](): void;
}

// dist/tls.d.ts
import { type EventLoop } from '@tasktree/core';
import { ConnectionResetError } from '@tasktree/streams';
import { type Socket } from 'node:net';
import { type ConnectionOptions, type TlsOptions as TlsServerOptions, type TLSSocket } from 'node:tls';
export declare const NODE_LONGEST = 2147483647;
export interface TlsOptions extends Omit<TlsServerOptions & ConnectionOptions, 'timeout'> {
    sslShutdownTimeout?: number | undefined;
}
export declare function checkTls(options: unknown, side: 'client' | 'server'): void;
export declare function checkCertificate(options: TlsOptions): void;
export declare function checkTlsName(options: TlsOptions | true, host: string | undefined): void;
export declare function checkTimeout(name: string, ms: unknown): void;
export declare function handshakeTimeoutOf(options: TlsOptions | true): number;
export interface ShutdownOptions {
    readonly timeout: number;
    readonly waitsForPeer: boolean;
}
export declare function shutdownOf(options: TlsOptions | true, own?: number): ShutdownOptions;
export declare function inHandshakeTime(options: TlsOptions | true, body: () => Promise<void>): Promise<void>;
export declare function after(loop: EventLoop, ms: number, callback: () => void): Disposable;
export interface Handshake {
    readonly plain: Socket;
    readonly options: TlsOptions | true;
    readonly early: Buffer;
    readonly signal: AbortSignal | undefined;
    readonly adopt: (secure: TLSSocket) => void;
}
export declare function handshakeAsClient(handshake: Handshake, host: string | undefined): Promise<void>;
export declare function handshakeAsServer(handshake: Handshake): Promise<void>;
export declare function toHandshakeError(error: Error, secure: TLSSocket): Error;
export declare function flushed(socket: Socket, signal?: AbortSignal): Promise<void>;
export declare function closedEarly(): ConnectionResetError;
export declare function ignoreErrors(socket: Socket): void;

// dist/transport.d.ts
import { type WaitOptions, type WriteProtocol, WriteTransport } from '@tasktree/streams';
import { type BufferedProtocol, type Protocol } from './protocol.ts';
import { type ShutdownOptions, type TlsOptions } from './tls.ts';
export interface TransportSetup {
    readonly side: 'client' | 'server';
    readonly host?: string | undefined;
    readonly shutdown?: ShutdownOptions | undefined;
    readonly onLost?: ((transport: Transport) => void) | undefined;
}
export declare class Transport extends WriteTransport {
    #private;
    pauseReading(): void;
    resumeReading(): void;
    isReading(): boolean;
    setProtocol(protocol: Protocol | BufferedProtocol): void;
    getProtocol(): Protocol | BufferedProtocol;
    getExtraInfo(name: string, fallback?: unknown): unknown;
    startTls(options?: TlsOptions | true, wait?: WaitOptions): Promise<void>;
    protected buffered(): number;
    protected send(data: Uint8Array | string, flushed: (() => void) | undefined): void;
    protected whenFlushed(callback: () => void): void;
    protected end(): void;
    protected finish(): void;
    protected destroy(): void;
    protected writeProtocol(): WriteProtocol;
    protected sinkHasEnded(): boolean;
    protected sinkFailure(): Error | null;
}

// dist/unix-path.d.ts
import type { Server } from 'node:net';
export declare function clearSocketPath(path: string): void;
export declare class SocketFile {
    #private;
    constructor(path: string, keep: boolean);
    close(server: Server): Error | null;
}
