import { fetchUrl } from './fetch.ts'
import { hash } from './hash.ts'
import { defineKinds, type Kinds } from './kind.ts'
import { primes } from './primes.ts'
import { python } from './python.ts'
import { shell } from './shell.ts'
import { sleep } from './sleep.ts'
import { words } from './words.ts'

/** The kinds that every server has, unless the option `builtInKinds` is false. */
export const builtInKinds: Kinds = defineKinds({
  ...shell,
  ...hash,
  ...words,
  ...primes,
  ...fetchUrl,
  ...python,
  ...sleep,
} as Kinds)
