import type { BackoffOptions, SupervisorOptions } from '@tasktree/actor'

/**
 * What is killed now and then comes back at once, however often: its waits begin anew when it has lived for
 * `resetAfter`. What cannot live at all, since the disk is broken say, is tried ever more slowly, and given up
 * after `maxAttempts` in a row, a minute; what fails again and again a little later, after `maxRestarts`.
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
