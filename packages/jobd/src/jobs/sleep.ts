import { sleep as pause } from '@tasktree/core'
import { defineKind, type Kind, parseWholeNumber } from './kind.ts'

/** Waits. */
export const sleep: Kind<number> = defineKind({
  placeholder: 'milliseconds',
  parse: parseWholeNumber('whole milliseconds', 2 ** 50),
  run: (ms) => pause(ms, `slept ${ms} ms`),
})
