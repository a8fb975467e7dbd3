import { countPrimes } from './count-primes.ts'

/**
 * Returns each limit whose job has failed, or has returned a wrong number of primes below the limit. The primes are counted again here, because only the correct number proves that the job was run.
 */
export function lostResults(limits: readonly number[], outcomes: readonly unknown[]): number[] {
  return limits.filter((limit, i) => {
    const found = / found (\d+)$/.exec(String(outcomes[i]))?.[1]
    return found !== String(countPrimes(limit))
  })
}
