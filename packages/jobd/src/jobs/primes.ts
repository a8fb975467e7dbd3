import { defineKind, type Kind, parseWholeNumber } from './kind.ts'
import { follow, poolJobs } from './pool-jobs.ts'

/** How many primes there are up to a number, in the thread pool: a computation that can be cancelled. */
export const primes: Kind<number> = defineKind({
  placeholder: 'a number',
  capacity: 2,
  // It takes a byte for each number.
  parse: parseWholeNumber('a whole number', 4_000_000_000),
  run: (n, bench) => follow(bench.pools.threads.submit(poolJobs.primes, n), bench),
})
