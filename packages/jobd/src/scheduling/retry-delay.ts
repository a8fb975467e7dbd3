/** The wait after the first failure, and the longest wait, both in milliseconds. */
const firstRetryDelay = 100
export const longestRetryDelay = 3_600_000 * 1.5

/**
 * Returns the wait between a failed attempt and the next one. It doubles each time, up to an hour, and is varied at
 * random by up to 50 %.
 */
export function delayAfter(attempts: number): number {
  const delay = Math.min(3_600_000, firstRetryDelay * 2 ** (attempts - 1))
  return Math.round(delay * (0.5 + Math.random()))
}
