// dist/attach.d.ts
import type { WebSocket } from 'ws';
import { Session } from './session.ts';
export interface Thread {
    readonly name: string;
    readonly session: Session;
}
export declare class Attached implements AsyncDisposable {
    #private;
    readonly pid: number;
    readonly threads: Thread[];
    constructor(pid: number, main: Session, socket: WebSocket, wasOpen: boolean);
    get main(): Session;
    findWorkers(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
export declare function attach(pid: number): Promise<Attached>;

// dist/cli.d.ts
#!/usr/bin/env node
export {};

// dist/confirm.d.ts
export declare function confirm(question: string): Promise<boolean>;

// dist/failure.d.ts
export declare class Failure extends Error {
    readonly name: string;
}

// dist/index.d.ts
export { attach, Attached, type Thread } from './attach.ts';
export { Failure } from './failure.ts';
export { why } from './task-commands.ts';
export { look, type ThreadSnapshot } from './thread-snapshots.ts';
export { ps, pstree } from './print.ts';
export { Recording, type TraceEvent } from './record.ts';

// dist/print.d.ts
import type { TaskSnapshot } from '@tasktree/core';
import type { ThreadSnapshot } from './thread-snapshots.ts';
export declare function waitText(task: TaskSnapshot): string;
export declare function visible(text: string): string;
export declare function ps(threads: readonly ThreadSnapshot[]): string;
export declare function pstree(pid: number, threads: readonly ThreadSnapshot[]): string;

// dist/record.d.ts
import type { Attached } from './attach.ts';
export interface TraceEvent {
    readonly name: string;
    readonly ph: 'M' | 'X' | 's' | 'f' | 'i';
    readonly ts: number;
    readonly pid: number;
    readonly tid: number;
    readonly cat?: string;
    readonly dur?: number;
    readonly id?: number;
    readonly bp?: 'e';
    readonly s?: 't';
    readonly args?: Record<string, unknown>;
}
export declare class Recording {
    #private;
    constructor(attached: Attached);
    start(): Promise<void>;
    sample(): Promise<void>;
    stop(): Promise<void>;
    trace(): {
        traceEvents: TraceEvent[];
        displayTimeUnit: 'ms';
    };
}

// dist/session.d.ts
import { WebSocket } from 'ws';
export declare class Session {
    #private;
    constructor(pid: number, send: (text: string) => void);
    get isClosed(): boolean;
    receive(text: string): void;
    close(): void;
    on(method: string, listener: (params: Record<string, unknown>) => void): void;
    call(method: string, params?: object, patience?: number): Promise<Record<string, unknown>>;
    evaluate(expression: string, patience?: number): Promise<unknown>;
}
export declare function connect(pid: number, url: string): Promise<{
    session: Session;
    socket: WebSocket;
}>;

// dist/target.d.ts
export declare function checkTarget(pid: number): void;
export declare function hasEnded(pid: number): boolean;
export declare function checkSignal(pid: number): void;
export declare function signalPort(pid: number): number;
export declare function listeningPorts(pid: number): number[];
export declare function holderOf(port: number): string | null;

// dist/task-commands.d.ts
import type { Attached } from './attach.ts';
import type { Session } from './session.ts';
export interface FoundTask {
    readonly session: Session;
    readonly id: number;
    readonly name: string;
}
export declare function liveTasks(attached: Attached): Promise<FoundTask[]>;
export declare function findTask(attached: Attached, idOrName: string): Promise<FoundTask>;
export declare function why(attached: Attached, idOrName: string): Promise<string>;
export declare function cancel(session: Session, id: number): Promise<boolean>;

// dist/thread-snapshots.d.ts
import type { RuntimeSnapshot } from '@tasktree/core';
import type { Attached, Thread } from './attach.ts';
export interface ThreadSnapshot extends RuntimeSnapshot {
    thread: string;
}
export declare const door = "globalThis[Symbol.for('tasktree.snapshot')]";
export declare function look(attached: Attached, stacks?: boolean): Promise<ThreadSnapshot[]>;
export declare function lookAtThreads(attached: Attached, stacks?: boolean): Promise<{
    thread: Thread;
    snapshot: ThreadSnapshot;
}[]>;

// dist/top.d.ts
import type { Attached } from './attach.ts';
export declare class Top {
    #private;
    constructor(attached: Attached, interval: number);
    run(): Promise<void>;
}
