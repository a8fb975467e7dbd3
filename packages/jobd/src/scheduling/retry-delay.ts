/** The wait after a first failure, and the longest wait. Milliseconds. */
const firstRetryDelay = 100
export const longestRetryDelay = 3_600_000 * 1.5

/** A failed attempt waits before the next: twice as long each time, up to an hour, give or take a half. */
export function delayAfter(attempts: number): number {
  const delay = Math.min(3_600_000, firstRetryDelay * 2 ** (attempts - 1))
  return Math.round(delay * (0.5 + Math.random()))
}
