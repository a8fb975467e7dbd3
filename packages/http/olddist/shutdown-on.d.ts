/** A server, or a system of actors. */
export type Stoppable = {
    stop(): PromiseLike<unknown>;
} | AsyncDisposable;
export interface ShutdownOptions {
    /**
     * How many milliseconds the rest of the program has to end after the stop, until the process is ended.
     * @defaultValue 5000
     */
    exitAfter?: number | undefined;
}
/**
 * Stops `target` when the process gets one of `signals`. When it has stopped, the process ends with code 0 as soon as
 * nothing is left to do, and at the latest after `exitAfter`; or with code 1 if the stop has failed. A second signal ends
 * the process at once. Inside `run`, the signals do not cancel the main task any more.
 *
 * Returns what takes the listeners out again.
 *
 * @throws {TypeError} {@link RangeError} for a signal that does not exist, a target that cannot be stopped, wrong options
 *
 * @example
 *     const server = await serve(handler, { port: 8080 })
 *     shutdownOn(['SIGTERM', 'SIGINT'], server)
 */
export declare function shutdownOn(signals: NodeJS.Signals | readonly NodeJS.Signals[], target: Stoppable, options?: ShutdownOptions): Disposable;
