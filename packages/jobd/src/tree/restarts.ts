import type { BackoffOptions, SupervisorOptions } from '@tasktree/actor'

/**
 * How parts of the tree are restarted. A part that is killed from time to time is restarted at once: its back-off
 * begins again when the part has run for `resetAfter` milliseconds. If a part cannot start at all, for example because
 * the disk is damaged, the time between attempts grows, and the supervisor gives up after `maxAttempts` consecutive
 * failures, about a minute. If a part fails again and again some time after its start, the supervisor gives up after
 * `maxRestarts` restarts within `within` milliseconds.
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
