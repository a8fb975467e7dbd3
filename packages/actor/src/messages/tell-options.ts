import { describe } from '@tasktree/core/lowlevel'
import type { TellOptions } from '../actors/message-types.ts'
import { checkContext } from './check-context.ts'

/**
 * Checks the options of a tell.
 * @throws {TypeError} when an option is wrong; the message names the option
 */
export function checkTellOptions(options: TellOptions): void {
  for (const name of Object.keys(options)) {
    if (name === 'confirm' || name === 'context') continue
    throw new TypeError(`tell has no option ${name}; there are confirm, context`)
  }
  const { confirm, context } = options
  checkContext(context)
  if (confirm !== undefined && typeof confirm !== 'boolean') {
    throw new TypeError(`the option confirm must be true or false, got ${describe(confirm)}`)
  }
}
