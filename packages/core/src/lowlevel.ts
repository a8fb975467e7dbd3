/**
 * What the other packages are built from, and what a primitive of your own needs. Documented and
 * covered by semver, like the main door.
 */
export { abortError, cancelOnAbort, Claim } from './claim.ts'
export { checkOptions } from './check-options.ts'
export { completed } from './future.ts'
export { describe } from './coroutine.ts'
export { hasFailed, observe } from './observe.ts'
