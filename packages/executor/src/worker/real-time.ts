/**
 * The clock and the queues of the runtime, taken when the worker starts. A job may replace the globals by fakes, as
 * `mock.timers` of `node:test` does, and must not stop its worker with that.
 */

/** Returns the milliseconds since the worker started. */
export const now: () => number = performance.now.bind(performance)
export const nextTick: (callback: () => void) => void = process.nextTick.bind(process)
// oxlint-disable-next-line eslint/no-restricted-globals -- a turn of the worker's own event loop is meant, and not a time
export const setImmediate: typeof globalThis.setImmediate = globalThis.setImmediate
