import { describe } from '@tasktree/core/lowlevel'
import type { TellOptions } from '../actors/message-types.ts'

/** Checks the options of a tell. @throws {TypeError} naming the wrong option */
export function checkTellOptions(options: TellOptions): void {
  for (const name of Object.keys(options)) {
    if (name !== 'confirm') throw new TypeError(`tell has no option ${name}; there is confirm`)
  }
  const { confirm } = options
  if (confirm !== undefined && typeof confirm !== 'boolean') {
    throw new TypeError(`the option confirm must be true or false, got ${describe(confirm)}`)
  }
}
