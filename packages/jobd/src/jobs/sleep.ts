import { sleep as pause } from '@tasktree/core'
import { defineKinds, type Kind } from './kind.ts'
import { parseWholeNumber } from './payload-parsers.ts'

/** The kind `sleep`: waits for some milliseconds. */
export const sleep: { readonly sleep: Kind<number> } = defineKinds({
  sleep: {
    placeholder: 'milliseconds',
    parse: parseWholeNumber('whole milliseconds', 2 ** 50),
    run: (ms) => pause(ms, `slept ${ms} ms`),
  },
})
