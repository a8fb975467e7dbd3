import { defineKinds, type Kind } from './kind.ts'
import { parseWholeNumber } from './payload-parsers.ts'
import { follow, poolJobs } from './pool-jobs.ts'

/** How many primes there are up to a number, in the thread pool: a computation that can be cancelled. */
export const primes: { readonly primes: Kind<number> } = defineKinds({
  primes: {
    placeholder: 'a number',
    concurrency: 2,
    // It takes a byte for each number.
    parse: parseWholeNumber('a whole number', 4_000_000_000),
    run: (n, ctx) => follow(ctx.pools.threads.submit(poolJobs.primes, n), ctx),
  },
})
