// dist/byte-queue.d.ts
export declare class ByteQueue {
    #private;
    length: number;
    generation: number;
    get firstLength(): number;
    push(chunk: Buffer): void;
    unshift(chunk: Buffer): void;
    take(n: number): Buffer;
    takeAll(): Buffer;
    takeInto(target: Uint8Array): number;
    peek(n: number): Buffer;
    clear(): void;
    indexOf(separator: Buffer, from: number, before?: number): number;
}

// dist/compact-copy.d.ts
export declare function compactCopy(bytes: Uint8Array): Buffer;
export declare function compactView(chunk: Buffer, start: number, n: number): Buffer;

// dist/copy.d.ts
import type { WaitOptions } from './wait-options.ts';
import { StreamReader } from './stream-reader.ts';
import { StreamWriter } from './stream-writer.ts';
export declare function copy(reader: StreamReader, writer: StreamWriter, options?: WaitOptions): Promise<number>;
export type StreamPair = readonly [reader: StreamReader, writer: StreamWriter];
export declare function copyBidirectional(a: StreamPair, b: StreamPair, options?: WaitOptions): Promise<[aToB: number, bToA: number]>;

// dist/drain-waits.d.ts
import type { WaitOptions } from './wait-options.ts';
import type { WriteProtocol } from './write-transport.ts';
export declare class FlowControl implements WriteProtocol {
    #private;
    get paused(): boolean;
    get lost(): boolean;
    pauseWriting(): void;
    resumeWriting(): void;
    connectionLost(error: Error | null): void;
    drain(options?: WaitOptions): Promise<void>;
    waitClosed(options?: WaitOptions): Promise<void>;
}
export declare function lossOf(error: Error | null): Error;

// dist/errors.d.ts
export declare class IncompleteReadError extends Error {
    readonly name: string;
    readonly code: string;
    readonly partial: Buffer;
    readonly expected: number | null;
    constructor(partial: Buffer, expected: number | null);
}
export declare class LimitOverrunError extends RangeError {
    readonly name: string;
    readonly code: string;
    readonly consumed: number;
    constructor(message: string, consumed: number);
}

// dist/index.d.ts
export { compactCopy } from './compact-copy.ts';
export { copy, copyBidirectional, type StreamPair } from './copy.ts';
export { IncompleteReadError, LimitOverrunError } from './errors.ts';
export { FlowControl } from './drain-waits.ts';
export { AddressInUseError, BrokenPipeError, ConnectionRefusedError, ConnectionResetError, GaiError, OSError, type OSErrorOptions, toOSError, } from './os-error.ts';
export type { ReadTransport } from './receive-buffer.ts';
export { StreamReader, type StreamReaderOptions } from './stream-reader.ts';
export { StreamWriter } from './stream-writer.ts';
export type { WaitOptions } from './wait-options.ts';
export { type WriteBufferLimits, type WriteProtocol, WriteTransport } from './write-transport.ts';

// dist/line-text.d.ts
export type CharacterWidth = 1 | 2;
export declare const newlines: Readonly<Record<CharacterWidth, Buffer>>;
export declare function widthOf(encoding: BufferEncoding): CharacterWidth;
export declare function lineText(line: Buffer, encoding: BufferEncoding): string;

// dist/node-sink.d.ts
import type { Writable } from 'node:stream';
import { type WriteProtocol, WriteTransport } from './write-transport.ts';
export declare class NodeSink extends WriteTransport {
    #private;
    constructor(sink: Writable, protocol: WriteProtocol);
    getExtraInfo(name: string, fallback?: unknown): unknown;
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

// dist/os-error.d.ts
export interface OSErrorOptions extends ErrorOptions {
    code?: string | undefined;
    errno?: number | undefined;
    syscall?: string | undefined;
    path?: string | undefined;
    dest?: string | undefined;
    address?: string | undefined;
    port?: number | undefined;
}
export declare class OSError extends Error {
    readonly name: string;
    readonly code: string;
    readonly errno: number | undefined;
    readonly syscall: string | undefined;
    readonly path: string | undefined;
    readonly dest: string | undefined;
    readonly address: string | undefined;
    readonly port: number | undefined;
    constructor(message: string, options?: OSErrorOptions);
}
export declare class ConnectionResetError extends OSError {
    readonly name: string;
    constructor(message: string, options?: OSErrorOptions);
}
export declare class BrokenPipeError extends OSError {
    readonly name: string;
    constructor(message: string, options?: OSErrorOptions);
}
export declare class ConnectionRefusedError extends OSError {
    readonly name: string;
    constructor(message: string, options?: OSErrorOptions);
}
export declare class AddressInUseError extends OSError {
    readonly name: string;
    constructor(message: string, options?: OSErrorOptions);
}
export declare class GaiError extends OSError {
    readonly name: string;
    constructor(message: string, options?: OSErrorOptions);
}
export declare function toOSError(error: unknown): Error;
export declare function isOfConnection(error: Error): boolean;

// dist/peer-address.d.ts
export declare function peerAddress(transport: object | null): string | null;

// dist/pending-read.d.ts
import { type CancelledError, RuntimeError, type Task } from '@tasktree/core';
import { Claim, type WaitDetails } from '@tasktree/core/lowlevel';
interface WaitingRead {
    readonly what: string;
    readonly needs: number;
    readonly task: Task | null;
    readonly isGivenUp: boolean;
    wake(): boolean;
    endWith(error: Error): void;
}
export interface ReadOwner {
    details(what: string): WaitDetails;
    mayEnd(): boolean;
    stillWaits(): void;
}
export declare class PendingReads {
    #private;
    first: WaitingRead | null;
    readonly owner: ReadOwner;
    constructor(owner: ReadOwner);
    refusal(what: string): RuntimeError | null;
    add<T>(what: string, needs: number, attempt: () => T | null): PendingRead<T>;
    left(read: WaitingRead): void;
    failAll(error: Error): void;
}
export declare class PendingRead<T> extends Claim<T> implements WaitingRead {
    #private;
    readonly what: string;
    readonly needs: number;
    readonly task: Task | null;
    constructor(what: string, needs: number, attempt: () => T | null, reads: PendingReads);
    get isGivenUp(): boolean;
    endWith(error: Error): void;
    cancel(msg?: string | CancelledError): boolean;
    protected claim(): void;
    protected decline(): void;
}
export {};

// dist/reader-source.d.ts
import type { Readable } from 'node:stream';
import type { StreamReader } from './stream-reader.ts';
export type Source = Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>;
export declare function readFrom(source: Source, reader: StreamReader): void;

// dist/receive-buffer.d.ts
import { type CharacterWidth } from './line-text.ts';
export interface ReadTransport {
    pauseReading(): void;
    resumeReading(): void;
    close?(): PromiseLike<void> | void;
}
export declare class ReceiveBuffer {
    #private;
    readonly limit: number;
    constructor(limit: number);
    get length(): number;
    get ended(): boolean;
    get failure(): Error | null;
    get received(): number;
    get transport(): ReadTransport | null;
    setTransport(transport: ReadTransport): void;
    push(chunk: Buffer): void;
    unshift(chunk: Buffer): void;
    end(failure: Error | null): void;
    drop(failure: Error): void;
    pauseIfFull(needs?: number): void;
    resume(): void;
    take(n: number): Buffer;
    takeUnread(): Buffer;
    takeSome(n: number): Buffer;
    trySome(n: number): Buffer | null;
    tryAll(): Buffer | null;
    tryExactly(n: number): Buffer | null;
    tryInto(target: Uint8Array): number | null;
    tryPeek(n: number): Buffer | null;
    lineLength(): number;
    search(separators: readonly Buffer[], width: CharacterWidth): () => Buffer | null;
    dropLine(length: number, width: CharacterWidth): void;
}

// dist/separator-search.d.ts
import type { ByteQueue } from './byte-queue.ts';
import type { CharacterWidth } from './line-text.ts';
import { type Bytes } from './to-buffer.ts';
export declare class SeparatorSearch {
    #private;
    constructor(buffer: ByteQueue, separators: readonly Buffer[], width: CharacterWidth, limit: number);
    next(): number | null;
}
export declare function findSeparator(buffer: ByteQueue, separator: Buffer, from: number, width: CharacterWidth, before?: number): number;
export declare function toSeparators(separator: Bytes | readonly Bytes[]): readonly Buffer[];

// dist/stream-reader.d.ts
import type { Readable } from 'node:stream';
import type { WaitOptions } from './wait-options.ts';
import { type ReadTransport } from './receive-buffer.ts';
import { type Bytes } from './to-buffer.ts';
export interface StreamReaderOptions {
    limit?: number | undefined;
}
export declare class StreamReader implements AsyncIterable<Buffer>, AsyncDisposable {
    #private;
    constructor(options?: StreamReaderOptions);
    static from(source: Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>, options?: StreamReaderOptions): StreamReader;
    get limit(): number;
    read(n?: number, options?: WaitOptions): Promise<Buffer>;
    readLine(options?: WaitOptions): Promise<Buffer>;
    readExactly(n: number, options?: WaitOptions): Promise<Buffer>;
    readUntil(separator?: Bytes | readonly Bytes[], options?: WaitOptions): Promise<Buffer>;
    readInto(target: Uint8Array, options?: WaitOptions): Promise<number>;
    peek(n: number, options?: WaitOptions): Promise<Buffer>;
    unread(data: Uint8Array | string): void;
    lines(encoding?: BufferEncoding, options?: WaitOptions): AsyncIterable<string>;
    [Symbol.asyncIterator](): AsyncIterator<Buffer>;
    atEof(): boolean;
    exception(): Error | null;
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
    feedData(chunk: Uint8Array | string): void;
    feedEof(error?: Error | null): void;
    setException(error: Error): void;
    setTransport(transport: ReadTransport): void;
    takeUnread(): Buffer;
}

// dist/stream-writer.d.ts
import type { Writable } from 'node:stream';
import { FlowControl } from './drain-waits.ts';
import type { StreamReader } from './stream-reader.ts';
import type { WaitOptions } from './wait-options.ts';
import type { WriteTransport } from './write-transport.ts';
export interface TlsUpgradable<O> extends WriteTransport {
    checkTls(options: O): void;
    startTls(options: O, wait?: WaitOptions): Promise<void>;
}
export declare class StreamWriter implements AsyncDisposable {
    #private;
    constructor(transport: WriteTransport, flow: FlowControl, reader?: StreamReader | null);
    static to(sink: Writable | WritableStream<Uint8Array>): StreamWriter;
    get transport(): WriteTransport;
    write(data: Uint8Array | string): void;
    writeLines(lines: Iterable<Uint8Array | string>): void;
    writeEof(): void;
    canWriteEof(): boolean;
    drain(options?: WaitOptions): Promise<void>;
    close(): void;
    abort(): void;
    isClosing(): boolean;
    waitClosed(options?: WaitOptions): Promise<void>;
    getExtraInfo(name: string, fallback?: unknown): unknown;
    startTls<O>(options: O, wait?: WaitOptions): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/to-buffer.d.ts
export type Bytes = Uint8Array | string;
export declare function toBuffer(data: Bytes): Buffer;

// dist/undrained-warning.d.ts
export declare class UndrainedWarning {
    #private;
    hasWriter: boolean;
    paused(): void;
    wroteWhilePaused(n: number, high: number, buffered: number): void;
    dropped(): void;
    drains(): void;
}

// dist/unsent-bytes.d.ts
export declare class UnsentBytes {
    #private;
    get count(): number;
    add(n: number): void;
    remove(n: number): void;
    whenAccepted(callback: () => void): void;
}

// dist/wait-options.d.ts
export interface WaitOptions {
    signal?: AbortSignal | undefined;
}

// dist/web-sink.d.ts
import { type WriteProtocol, WriteTransport } from './write-transport.ts';
export declare class WebSink extends WriteTransport {
    #private;
    constructor(sink: WritableStream<Uint8Array>, protocol: WriteProtocol);
    protected buffered(): number;
    protected send(data: Uint8Array | string, flushed: (() => void) | undefined): void;
    protected whenFlushed(callback: () => void): void;
    protected end(): void;
    protected finish(): void;
    protected destroy(): void;
    protected writeProtocol(): WriteProtocol;
}

// dist/when-closed.d.ts
import { type FinishedOptions, type Readable, type Writable } from 'node:stream';
export declare function whenClosed(stream: Readable | Writable, callback: () => void): void;
export declare function whenFinished(stream: Readable | Writable, options: FinishedOptions, callback: (error?: Error | null) => void): void;

// dist/write-transport.d.ts
import type { Writable } from 'node:stream';
export interface WriteBufferLimits {
    high?: number | undefined;
    low?: number | undefined;
}
export interface WriteProtocol {
    pauseWriting?(): void;
    resumeWriting?(): void;
    connectionLost?(error: Error | null): void;
}
export declare abstract class WriteTransport {
    #private;
    protected abstract buffered(): number;
    protected abstract send(data: Uint8Array | string, flushed: (() => void) | undefined): void;
    protected abstract end(): void;
    protected abstract finish(): void;
    protected abstract destroy(): void;
    protected abstract whenFlushed(callback: () => void): void;
    protected abstract writeProtocol(): WriteProtocol;
    protected sinkHasEnded(): boolean;
    protected sinkFailure(): Error | null;
    write(data: Uint8Array | string): void;
    writeLines(lines: Iterable<Uint8Array | string>): void;
    writeEof(): void;
    canWriteEof(): boolean;
    close(): void;
    abort(): void;
    isClosing(): boolean;
    getWriteBufferSize(): number;
    getWriteBufferLimits(): {
        low: number;
        high: number;
    };
    setWriteBufferLimits(limits?: WriteBufferLimits): void;
    getExtraInfo(_name: string, fallback?: unknown): unknown;
    protected closing(): void;
    protected refuse(): void;
    protected lost(error: Error | null): void;
    protected whenNodeFlushed(sink: Writable, callback: () => void): void;
}
