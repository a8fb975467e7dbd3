/**
 * Milliseconds that a slow test may take. Each wait inside a slow test gets the same limit, because on a busy machine a shorter
 * limit would fail although nothing is wrong.
 */
export const slowTimeout = 120_000
