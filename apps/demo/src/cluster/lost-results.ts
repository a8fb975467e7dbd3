import { countPrimes } from './count-primes.ts'

/**
 * Returns the limits whose job has not come to its result: it has failed, or its result is not what a node finds below
 * this limit. The numbers of primes are counted here once more, because a result says only by its number that its job was
 * run.
 */
export function lostResults(limits: readonly number[], outcomes: readonly unknown[]): number[] {
  return limits.filter((limit, i) => {
    const found = / found (\d+)$/.exec(String(outcomes[i]))?.[1]
    return found !== String(countPrimes(limit))
  })
}
