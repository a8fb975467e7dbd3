/**
 * Milliseconds that a slow test may take. Whatever a slow test waits for, it waits this long: on a busy machine a shorter wait
 * would fail although nothing is wrong.
 */
export const slowTimeout = 120_000
