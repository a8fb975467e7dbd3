/** Returns how many primes there are below `limit`. */
export function countPrimes(limit: number): number {
  let found = 0
  for (let n = 2; n < limit; n++) if (isPrime(n)) found++
  return found
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return true
}
