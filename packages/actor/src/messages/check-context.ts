import { Context } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'

/**
 * Checks the option `context` of an ask or a tell.
 * @throws {TypeError} when `context` is not a Context
 */
export function checkContext(context: unknown): void {
  if (context === undefined || context instanceof Context) return
  throw new TypeError(`the option context must be a Context, got ${describe(context)}`)
}
