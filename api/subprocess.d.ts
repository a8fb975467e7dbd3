// dist/errors.d.ts
declare class SpawnError extends Error {
    readonly name: string;
    readonly code: string;
    readonly path: string;
    constructor(message: string, code: string, path: string, options?: ErrorOptions);
}
export declare class FileNotFoundError extends SpawnError {
    readonly name: string;
}
export declare class PermissionError extends SpawnError {
    readonly name: string;
}
export declare class NotADirectoryError extends SpawnError {
    readonly name: string;
}
export declare class ProcessLookupError extends Error {
    readonly name: string;
    readonly code: string;
}
export interface CompletedProcess<T = Buffer> {
    readonly args: readonly string[];
    readonly returncode: number;
    readonly stdout: T;
    readonly stderr: T;
}
export declare class CalledProcessError extends Error {
    readonly name: string;
    readonly code: string;
    readonly returncode: number;
    readonly stdout: Buffer | string;
    readonly stderr: Buffer | string;
    constructor(completed: CompletedProcess<Buffer | string>);
}
export declare function toSpawnError(error: NodeJS.ErrnoException, program: string, cwd: string | undefined): Error;
export {};

// dist/index.d.ts
export { CalledProcessError, type CompletedProcess, FileNotFoundError, NotADirectoryError, PermissionError, ProcessLookupError, } from './errors.ts';
export { DEVNULL, PIPE, type SpawnOptions, STDOUT, type Stdio } from './options.ts';
export { Process } from './process.ts';
export { run, type RunOptions } from './run.ts';
export { createSubprocessExec, createSubprocessShell } from './spawn.ts';

// dist/options.d.ts
export declare const PIPE = "pipe";
export declare const STDOUT = "stdout";
export declare const DEVNULL = "ignore";
export type Stdio = typeof PIPE | typeof DEVNULL | 'inherit' | number;
export interface SpawnOptions {
    stdin?: Stdio;
    stdout?: Stdio;
    stderr?: Stdio | typeof STDOUT;
    cwd?: string;
    env?: Record<string, string | undefined>;
    limit?: number;
    signal?: AbortSignal;
    processGroup?: boolean;
    killGrace?: number;
    shell?: string;
}
export declare function checkProgram(program: string, args: readonly string[]): void;
export declare function toReturncode(code: number | null, signal: NodeJS.Signals | null): number;

// dist/process.d.ts
import { StreamReader, StreamWriter } from '@tasktree/streams';
export declare class Process implements AsyncDisposable {
    #private;
    readonly stdin: StreamWriter | null;
    readonly stdout: StreamReader | null;
    readonly stderr: StreamReader | null;
    get pid(): number;
    get returncode(): number | null;
    wait(options?: {
        signal?: AbortSignal;
    }): Promise<number>;
    communicate(input?: Uint8Array | string): Promise<[Buffer | null, Buffer | null]>;
    sendSignal(signal: NodeJS.Signals): void;
    terminate(): void;
    kill(): void;
    [Symbol.asyncDispose](): Promise<void>;
}

// dist/run.d.ts
import { type CompletedProcess } from './errors.ts';
import { type SpawnOptions } from './options.ts';
export interface RunOptions extends SpawnOptions {
    input?: Uint8Array | string;
    check?: boolean;
    encoding?: 'buffer' | 'utf8';
}
export declare function run(program: string, args: string[] | undefined, options: RunOptions & {
    encoding: 'utf8';
}): Promise<CompletedProcess<string>>;
export declare function run(program: string, args?: string[], options?: RunOptions): Promise<CompletedProcess>;

// dist/spawn.d.ts
import { type SpawnOptions } from './options.ts';
import { Process } from './process.ts';
export declare function createSubprocessExec(program: string, args?: string[], options?: SpawnOptions): Promise<Process>;
export declare function createSubprocessShell(command: string, options?: SpawnOptions): Promise<Process>;
