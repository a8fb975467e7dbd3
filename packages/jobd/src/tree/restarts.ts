import type { BackoffOptions, SupervisorOptions } from '@tasktree/actor'

/**
 * A part that is killed now and then comes back at once, however often: its back-off starts anew when the part has lived for
 * `resetAfter`. A part that cannot start at all, because the disk is broken for example, is tried ever more slowly and
 * given up after `maxAttempts` consecutive failures, about a minute. A part that keeps failing a little later is given up
 * after `maxRestarts` within `within`.
 */
const backoff: BackoffOptions = {
  min: 10,
  max: 5_000,
  jitter: 0.2,
  resetAfter: 50,
  maxAttempts: 20,
}
export const restarts: Pick<SupervisorOptions, 'maxRestarts' | 'within' | 'backoff'> = {
  maxRestarts: 150,
  within: 10_000,
  backoff,
}
