import { defineKinds, type Kind } from './kind.ts'
import { parseWholeNumber } from './payload-parsers.ts'
import { follow, poolJobs } from './pool-jobs.ts'

/**
 * The kind `primes`: counts the primes up to a number. It runs in the thread pool, and a cancel ends the computation.
 */
export const primes: { readonly primes: Kind<number> } = defineKinds({
  primes: {
    placeholder: 'a number',
    concurrency: 2,
    // The limit exists because the computation needs one byte for each number.
    parse: parseWholeNumber('a whole number', 4_000_000_000),
    run: (n, ctx) => follow(ctx.pools.threads.submit(poolJobs.primes, n), ctx),
  },
})
