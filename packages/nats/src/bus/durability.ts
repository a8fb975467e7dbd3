/** The options for how safe streams and buckets are from a power loss, and the warning about it. */
import { checkCount, describe } from '@tasktree/core/lowlevel'

export interface DurabilityOptions {
  /**
   * How many servers keep a copy of each stream and bucket. More than one needs a cluster of as many servers. A stream
   * or bucket that exists already stays as it is. @defaultValue 1
   */
  replicas?: number
  /**
   * Whether the process is warned once that a power loss can lose accepted jobs. Set it to false if the server has
   * `sync_interval: always`, which it does not tell its clients, or if such a loss does no harm. @defaultValue true
   */
  powerLossWarning?: boolean
}

export interface Durability {
  readonly replicas: number
  readonly powerLossWarning: boolean
}

/**
 * Checks the options.
 *
 * @throws {TypeError} when an option is of a wrong type; the message names the option
 * @throws {RangeError} when an option is out of range
 */
export function checkDurability(options: DurabilityOptions): Durability {
  const { replicas = 1, powerLossWarning = true } = options
  checkCount('replicas', replicas, 1)
  if (typeof powerLossWarning !== 'boolean') {
    throw new TypeError(
      `the option powerLossWarning must be true or false, got ${describe(powerLossWarning)}`,
    )
  }
  return { replicas, powerLossWarning }
}

let hasWarned = false

/** Warns once in the life of the process, if the streams are kept by one server. */
export function warnOfPowerLoss(servers: string, durability: Durability): void {
  if (durability.replicas > 1 || !durability.powerLossWarning || hasWarned) return
  hasWarned = true
  process.emitWarning(
    `${servers}: a power loss can lose the accepted jobs of the last two minutes, because the server syncs its files to the disk only that often. Use three servers and the option replicas: 3, or set sync_interval: always in the server's configuration (2.10 or later) and give the option powerLossWarning: false`,
    { type: 'TasktreeWarning', code: 'TASKTREE_NATS_POWER_LOSS' },
  )
}
