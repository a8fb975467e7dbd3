// dist/check-signal.d.ts
export declare function checkSendable(signal: unknown): asserts signal is NodeJS.Signals | number;

// dist/command.d.ts
import { type CompletedProcess } from './errors.ts';
import { type OutputLine } from './interleave-lines.ts';
import { type RunOptions } from './run.ts';
import { type CommandValue } from './template.ts';
export type CommandOptions = Omit<RunOptions, 'encoding'>;
export interface Dollar {
    (strings: TemplateStringsArray, ...values: CommandValue[]): Command;
    (options: CommandOptions): Dollar;
}
export declare const $: Dollar;
export declare class Command implements Promise<CompletedProcess> {
    #private;
    readonly args: readonly string[];
    get [Symbol.toStringTag](): string;
    then<R = CompletedProcess, E = never>(onFulfilled?: ((value: CompletedProcess) => R | PromiseLike<R>) | null, onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<R | E>;
    catch<E = never>(onRejected?: ((error: unknown) => E | PromiseLike<E>) | null): Promise<CompletedProcess | E>;
    finally(onFinally?: (() => void) | null): Promise<CompletedProcess>;
    text(): Promise<string>;
    lines(): AsyncIterable<string>;
    [Symbol.asyncIterator](): AsyncGenerator<OutputLine, void>;
    pipe(next: Command): Command;
}

// dist/communication.d.ts
import { type StreamReader, type StreamWriter } from '@tasktree/streams';
export interface Outputs {
    stdout: Buffer | null;
    stderr: Buffer | null;
}
export declare class Communication {
    #private;
    constructor(stdin: StreamWriter | null, stdout: StreamReader | null, stderr: StreamReader | null);
    get hasBegun(): boolean;
    begin(input: Uint8Array | string | undefined): void;
    branches(signal: AbortSignal, max: number, onOver: (which: 'stdout' | 'stderr') => void): Promise<void>[];
    take(): Outputs;
    copy(): Outputs;
}

// dist/end-with-parent.d.ts
export interface Dependent {
    readonly pid: number;
    readonly group: boolean;
    readonly foreground: boolean;
    readonly killGrace: number;
    send(signal: NodeJS.Signals): void;
    end(signal: NodeJS.Signals, gone: () => void): void;
}
export declare function endWithParent(child: Dependent): () => void;

// dist/ending.d.ts
import { type CancelledError } from '@tasktree/core';
import { OneShotEvent } from './one-shot-event.ts';
export type Cut = 'timeout' | CancelledError | {
    over: 'stdout' | 'stderr';
};
export interface EndingFacts {
    readonly pid: number;
    readonly program: string;
    readonly group: boolean;
    readonly foreground: boolean;
    readonly killGrace: number;
    readonly timeout: number | undefined;
    readonly signal: AbortSignal | undefined;
}
export declare class Ending {
    #private;
    readonly exited: OneShotEvent;
    readonly cutOff: OneShotEvent;
    constructor(facts: EndingFacts);
    enterCall(): () => void;
    get cut(): Cut | null;
    get begun(): boolean;
    get isGone(): boolean;
    begin(cut: Cut | null): OneShotEvent;
    send(signal: NodeJS.Signals | number): void;
    trySend(signal: NodeJS.Signals): void;
}

// dist/errors.d.ts
import { RuntimeError, TimeoutError } from '@tasktree/core';
import { OSError, type OSErrorOptions } from '@tasktree/streams';
interface PathErrorOptions extends OSErrorOptions {
    path: string;
}
export declare class PathError extends OSError {
    readonly path: string;
    constructor(message: string, options: PathErrorOptions);
}
export declare class FileNotFoundError extends PathError {
    readonly name: string;
    constructor(message: string, options: PathErrorOptions);
}
export declare class PermissionError extends PathError {
    readonly name: string;
    constructor(message: string, options: PathErrorOptions);
}
export declare class NotADirectoryError extends PathError {
    readonly name: string;
    constructor(message: string, options: PathErrorOptions);
}
export declare class ArgumentListTooLongError extends OSError {
    readonly name: string;
    constructor(message: string, options?: OSErrorOptions);
}
export declare class ProcessLookupError extends OSError {
    readonly name: string;
    constructor(message: string, options?: OSErrorOptions);
}
export interface CompletedProcess<T = Buffer> {
    readonly args: readonly string[];
    readonly returncode: number;
    readonly stdout: T;
    readonly stderr: T;
}
export declare class CalledProcessError extends Error implements CompletedProcess<Buffer | string> {
    readonly name: string;
    readonly code: string;
    readonly args: readonly string[];
    readonly returncode: number;
    readonly stdout: Buffer | string;
    readonly stderr: Buffer | string;
    constructor(completed: CompletedProcess<Buffer | string>);
}
export declare class TimeoutExpired extends TimeoutError {
    readonly name: string;
    readonly code: string;
    readonly args: readonly string[];
    readonly timeout: number;
    readonly stdout: Buffer | string | null;
    readonly stderr: Buffer | string | null;
    constructor(args: readonly string[], timeout: number, captured: {
        stdout: Buffer | string | null;
        stderr: Buffer | string | null;
    });
}
export declare class MaxBufferError extends Error {
    readonly name: string;
    readonly code: string;
    readonly args: readonly string[];
    readonly maxBuffer: number;
    readonly stdout: Buffer | string;
    readonly stderr: Buffer | string;
    constructor(which: 'stdout' | 'stderr', maxBuffer: number, completed: CompletedProcess<Buffer | string>);
}
export declare class NotReadyError extends RuntimeError {
    readonly name: string;
    readonly code: string;
    readonly returncode: number;
    constructor(args: readonly string[], returncode: number);
}
export declare function shorten(text: string): string;
export {};

// dist/group-liveness.d.ts
export interface GroupWatch {
    hurry(): void;
    stop(): void;
}
export declare function watchGroup(group: number, onGone: () => void): GroupWatch;
export declare function livingGroups(groups: ReadonlySet<number>): Set<number>;

// dist/held-pipe.d.ts
import type { Socket } from 'node:net';
export declare const DRAIN_GRACE = 100;
export declare function endWhenSilent(pipe: Socket | null, isGone: () => boolean): void;

// dist/incarnation.d.ts
import type { ManagedProcessOptions } from './managed-options.ts';
import { OneShotEvent } from './one-shot-event.ts';
import type { Process } from './process.ts';
export declare function startManaged(program: string, args: readonly string[], managedOptions: ManagedProcessOptions): Promise<Process>;
export interface ManagedOwner {
    readonly program: string;
    readonly halt: OneShotEvent;
    isStarting(): boolean;
    onReady(): void;
    onFailure(error: unknown): void;
    onExit(returncode: number): void;
}
export declare class Incarnation {
    #private;
    constructor(child: Process, options: ManagedProcessOptions, owner: ManagedOwner);
    live(): Promise<void>;
}

// dist/index.d.ts
export { $, type Command, type CommandOptions, type Dollar } from './command.ts';
export { ArgumentListTooLongError, CalledProcessError, type CompletedProcess, FileNotFoundError, MaxBufferError, NotADirectoryError, NotReadyError, PermissionError, ProcessLookupError, TimeoutExpired, } from './errors.ts';
export type { ManagedBackoff, ManagedProcessOptions } from './managed-options.ts';
export type { ManagedState } from './managed-life.ts';
export { ManagedProcess } from './managed-process.ts';
export { DEVNULL, PIPE, type SpawnOptions, STDOUT, type Stdio } from './options.ts';
export type { OutputLine } from './interleave-lines.ts';
export { Process, type ProcessWaitOptions } from './process.ts';
export { python } from './python.ts';
export { run, type RunOptions } from './run.ts';
export { shlex, type SplitOptions } from './shlex.ts';
export { createSubprocessExec, createSubprocessShell } from './spawn.ts';
export type { CommandValue } from './template.ts';

// dist/interleave-lines.d.ts
import { type StreamReader } from '@tasktree/streams';
export declare class OutputLine {
    readonly from: 'stdout' | 'stderr';
    readonly text: string;
    toString(): string;
}
export interface LineSource {
    readonly from: 'stdout' | 'stderr';
    readonly reader: StreamReader;
    onChunk?(chunk: Buffer): void;
}
export declare function interleaveLines(sources: readonly LineSource[]): AsyncGenerator<OutputLine, void>;

// dist/interpreter.d.ts
export interface BadInterpreter {
    readonly path: string | null;
    readonly of: string;
}
export declare function findBadInterpreter(code: string, program: string, cwd: string, path: string | undefined): BadInterpreter | null;

// dist/kill-ladder.d.ts
export interface Target {
    readonly pid: number;
    readonly group: boolean;
    readonly killGrace: number;
    send(signal: NodeJS.Signals): void;
    onExit(callback: () => void): void;
}
export declare function terminate(target: Target, signal: NodeJS.Signals, done: () => void): void;

// dist/line-listener.d.ts
import { type Task } from '@tasktree/core';
import type { StreamReader } from '@tasktree/streams';
import type { OneShotEvent } from './one-shot-event.ts';
export type Listener = (line: string) => void | PromiseLike<void>;
export interface HeardProcess {
    readonly program: string;
    readonly onText: (text: string) => void;
    readonly listener: Listener | undefined;
    readonly deaf: OneShotEvent;
}
export declare function listenToLines(reader: StreamReader | null, process: HeardProcess): Task<void>;

// dist/lines-and-prompts.d.ts
import type { StreamReader } from '@tasktree/streams';
export declare function linesAndPrompts(reader: StreamReader, onPrompt: (text: string) => void): AsyncGenerator<string, void>;

// dist/managed-life.d.ts
import type { ManagedProcessOptions } from './managed-options.ts';
import type { Process } from './process.ts';
export type ManagedState = 'idle' | 'starting' | 'running' | 'backing-off' | 'stopping' | 'stopped';
export declare class ManagedLife {
    #private;
    state: ManagedState;
    child: Process | null;
    constructor(program: string, args: readonly string[], options: ManagedProcessOptions, onRestart: () => void);
    untilReady(): Promise<void>;
    stop(): Promise<void>;
    wait(): Promise<number>;
}

// dist/managed-options.d.ts
import { type SpawnOptions } from './options.ts';
export interface ManagedBackoff {
    min?: number | undefined;
    max?: number | undefined;
    factor?: number | undefined;
}
export interface ManagedProcessOptions extends SpawnOptions {
    onStdout?: ((line: string) => void | PromiseLike<void>) | undefined;
    onStderr?: ((line: string) => void | PromiseLike<void>) | undefined;
    restart?: 'never' | 'on-failure' | 'always' | undefined;
    backoff?: ManagedBackoff | undefined;
    ready?: RegExp | ((line: string) => boolean) | undefined;
    readyTimeout?: number | undefined;
}
export declare function checkManaged(options: ManagedProcessOptions): void;

// dist/managed-process.d.ts
import { type ManagedState } from './managed-life.ts';
import { type ManagedProcessOptions } from './managed-options.ts';
export declare class ManagedProcess implements AsyncDisposable {
    #private;
    constructor(program: string, args?: readonly string[], options?: ManagedProcessOptions);
    get state(): ManagedState;
    get pid(): number | null;
    get restarts(): number;
    start(): Promise<void>;
    stop(): Promise<number>;
    restart(): Promise<void>;
    wait(): Promise<number>;
    write(line: string): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/one-shot-event.d.ts
import { type WaitDetails } from '@tasktree/core/lowlevel';
export declare class OneShotEvent {
    #private;
    get hasHappened(): boolean;
    happen(): void;
    on(callback: () => void): () => void;
    wait(signal?: AbortSignal, details?: () => WaitDetails): Promise<void>;
}

// dist/options.d.ts
import { StreamReader, StreamWriter } from '@tasktree/streams';
export declare const PIPE = "pipe";
export declare const STDOUT = "stdout";
export declare const DEVNULL = "ignore";
export type Stdio = typeof PIPE | typeof DEVNULL | 'inherit' | number;
export declare const defaultKillGrace = 5000;
export interface SpawnOptions {
    stdin?: Stdio | StreamReader | undefined;
    stdout?: Stdio | StreamWriter | undefined;
    stderr?: Stdio | StreamWriter | typeof STDOUT | undefined;
    stdio?: 'inherit' | undefined;
    cwd?: string | URL | undefined;
    env?: Record<string, string | undefined> | undefined;
    limit?: number | undefined;
    signal?: AbortSignal | undefined;
    timeout?: number | undefined;
    processGroup?: boolean | undefined;
    killGrace?: number | undefined;
    shell?: string | undefined;
}
export declare function checkSpawn(program: string, args: readonly string[], options: SpawnOptions): void;
export declare function checkArgs(args: unknown): void;
export declare function ownOptions<O extends SpawnOptions>(options: O): O;
export declare function toFolder(cwd: string | URL): string;
export declare function toFolder(cwd: string | URL | undefined): string | undefined;
export declare function checkDuration(name: string, ms: unknown): void;

// dist/output.d.ts
import type { StreamReader } from '@tasktree/streams';
export declare function readOutput(reader: StreamReader, output: Output, max: number, signal: AbortSignal, onOver: () => void): Promise<void>;
export declare class Output {
    #private;
    length: number;
    push(chunk: Buffer): void;
    copy(): Buffer;
    take(): Buffer;
}

// dist/owner.d.ts
import { type Task } from '@tasktree/core';
export declare class Owner {
    #private;
    readonly task: Task | null;
    isCallerAndCancelled(): boolean;
    onFailure(callback: () => void): (() => void) | null;
}

// dist/pending-signals.d.ts
export declare class PendingSignals {
    #private;
    whenHeard(callback: () => void): void;
}

// dist/pipe-stage.d.ts
import type { StreamReader } from '@tasktree/streams';
import { type CompletedProcess } from './errors.ts';
import type { LineSource } from './interleave-lines.ts';
import type { Process } from './process.ts';
export interface StageEnd {
    ended(completed: CompletedProcess, wasRead: boolean): void;
}
export declare class Stage implements AsyncDisposable {
    #private;
    readonly output: StreamReader;
    constructor(child: Process, facts: {
        readonly args: readonly string[];
        readonly check: boolean;
        readonly source: Stage | null;
        readonly command: StageEnd;
        readonly readsErrors: boolean;
    });
    sources(): LineSource[];
    finish(): Promise<void>;
    check(): void;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/proc-stat.d.ts
export interface ProcStat {
    readonly state: string;
    readonly group: number;
    readonly isEnding: boolean;
    readonly status: number;
}
export declare function readProcStat(pid: number | string): ProcStat | null | 'unknown';
export declare function readPids(): string[] | 'unknown';
export declare function isOutOfDescriptors(error: unknown): boolean;
export declare function isDead({ state }: ProcStat): boolean;

// dist/process-snapshot.d.ts
import type { Task } from '@tasktree/core';
export interface ProcessSnapshot {
    pid: number;
    command: string;
    task?: number;
    state: 'running' | 'ending';
    age: number;
}
interface ListedProcess {
    readonly pid: number;
    readonly returncode: number | null;
}
export declare function addToSnapshots(process: ListedProcess): void;
export declare function showProcess(pid: number, args: readonly string[], owner: Task | null, isEnding: boolean, startedAt: number): ProcessSnapshot;
export {};

// dist/process.d.ts
import { StreamReader, StreamWriter } from '@tasktree/streams';
import { type Outputs } from './communication.ts';
import { type Cut } from './ending.ts';
export interface Captured extends Outputs {
    cut: Cut | null;
}
export interface ProcessWaitOptions {
    signal?: AbortSignal | undefined;
    timeout?: number | undefined;
}
export declare class Process implements AsyncDisposable {
    #private;
    readonly stdin: StreamWriter | null;
    readonly stdout: StreamReader | null;
    readonly stderr: StreamReader | null;
    get pid(): number;
    get returncode(): number | null;
    wait(options?: ProcessWaitOptions): Promise<number>;
    communicate(input?: Uint8Array | string, options?: ProcessWaitOptions): Promise<[Buffer | null, Buffer | null]>;
    sendSignal(signal: NodeJS.Signals | number): void;
    terminate(): void;
    kill(): void;
    [Symbol.asyncDispose](): Promise<void>;
}
export declare function checkInput(input: unknown): void;

// dist/python.d.ts
import type { ManagedProcessOptions } from './managed-options.ts';
import { ManagedProcess } from './managed-process.ts';
export declare function python(scriptOrCode: string, args?: readonly string[], options?: ManagedProcessOptions): ManagedProcess;

// dist/restart-delays.d.ts
import type { ManagedBackoff } from './managed-options.ts';
export declare class RestartDelays {
    #private;
    constructor({ min, max, factor }: ManagedBackoff);
    next(lived: number): number;
}

// dist/returncode.d.ts
export declare function toReturncode(code: number | null, signal: NodeJS.Signals | null, realTime: number | null): number;
export declare class RealTimeEnd {
    #private;
    signal: number | null;
    constructor(pid: number);
    onPipeEnd(): void;
}
export declare function isFatalRealTimeSignal(pid: number, signal: NodeJS.Signals | number): boolean;

// dist/run.d.ts
import { type CompletedProcess } from './errors.ts';
import { type SpawnOptions } from './options.ts';
export interface RunOptions extends SpawnOptions {
    input?: Uint8Array | string | undefined;
    check?: boolean | undefined;
    encoding?: 'buffer' | 'utf8' | undefined;
    maxBuffer?: number | undefined;
}
export declare function run(program: string, args: readonly string[] | undefined, options: RunOptions & {
    encoding: 'utf8';
}): Promise<CompletedProcess<string>>;
export declare function run(program: string, args?: readonly string[], options?: RunOptions & {
    encoding?: 'buffer' | undefined;
}): Promise<CompletedProcess>;
export declare function runToEnd(program: string, args: readonly string[], options: RunOptions & {
    encoding?: 'buffer' | undefined;
}): Promise<CompletedProcess>;
export declare function runToEnd(program: string, args: readonly string[], options: RunOptions): Promise<CompletedProcess<Buffer | string>>;
export declare function checkRun(program: string, args: readonly string[], options: RunOptions): void;

// dist/shared-pipe.d.ts
import { type Socket } from 'node:net';
export interface SharedPipe {
    readonly reader: Socket;
    readonly writer: Socket;
}
export declare function openSharedPipe(signal: AbortSignal | undefined): Promise<SharedPipe>;

// dist/shlex.d.ts
export interface SplitOptions {
    comments?: boolean | undefined;
    posix?: boolean | undefined;
}
export declare const shlex: {
    readonly split: (s: string, options?: SplitOptions) => string[];
    readonly quote: (s: string) => string;
    readonly join: (args: readonly string[]) => string;
};

// dist/spawn-error.d.ts
import { type SpawnOptions } from './options.ts';
export declare function toSpawnError(error: NodeJS.ErrnoException, program: string, options: SpawnOptions): Error;

// dist/spawn.d.ts
import { type SpawnOptions } from './options.ts';
import { Process } from './process.ts';
export declare function createSubprocessExec(program: string, args?: readonly string[], options?: SpawnOptions): Promise<Process>;
export declare function start(program: string, callersArgs: readonly string[], callersOptions: SpawnOptions): Promise<Process>;
export declare function createSubprocessShell(command: string, options?: SpawnOptions): Promise<Process>;

// dist/stdio-copies.d.ts
import { StreamReader, StreamWriter } from '@tasktree/streams';
import type { Socket } from 'node:net';
import { OneShotEvent } from './one-shot-event.ts';
import type { SpawnOptions } from './options.ts';
export declare class StdioCopies {
    #private;
    constructor(process: object, child: CopiedChild);
    connectIn(place: SpawnOptions['stdin'], stdin: StreamWriter | null): StreamWriter | null;
    connectOut(output: StreamReader | null, place: SpawnOptions['stderr'], pipe: Socket | null): StreamReader | null;
    untilDone(signal: AbortSignal): Promise<void>;
    cancelAll(): void;
}
interface CopiedChild {
    readonly pid: number;
    readonly exited: OneShotEvent;
    readonly cutOff: OneShotEvent;
}
export {};

// dist/template.d.ts
export type CommandValue = string | number | bigint | readonly (string | number | bigint)[];
export declare function toArgs(template: TemplateStringsArray, values: readonly CommandValue[]): [program: string, ...args: string[]];

// dist/tracing.d.ts
import { Tracing } from '@tasktree/core/lowlevel';
import type { Process } from './process.ts';
export interface ProcessTrace {
    readonly process: Process;
    readonly pid: number;
    readonly program: string;
}
export declare const processTracing: Tracing<ProcessTrace>;

// dist/unawaited.d.ts
import type { EventLoop } from '@tasktree/core';
export declare function reportUnlessAwaited(command: object, what: string, exception: unknown, loop: EventLoop): () => void;

// dist/wait-for-all.d.ts
import type { ProcessWaitOptions } from './process.ts';
export declare function waitForAll(options: ProcessWaitOptions, begin: (signal: AbortSignal) => Promise<void>[], onError: (error: unknown, by: 'timeout' | 'signal' | 'other') => Promise<void>): Promise<void>;
