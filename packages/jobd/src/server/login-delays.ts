import { isIPv6 } from 'node:net'

/** A wrong secret is answered after this many milliseconds. */
const wrongDelay = 250

/**
 * After this many wrong secrets from an address, each further wrong secret makes all later answers to this address
 * slower.
 */
const freeGuesses = 5
const longestDelay = 2_000

/** An address that has sent no wrong secret for this many milliseconds is forgotten. */
const memory = 600_000
const mostAddresses = 10_000

interface Guesses {
  wrong: number
  at: number
}

/**
 * Slows down clients that guess secrets, for each client address separately. A login is delayed and never refused, because
 * a client that guesses could otherwise lock the owner of the right secret out.
 */
export class LoginDelays {
  readonly #guesses = new Map<string, Guesses>()

  /** Returns how many milliseconds the answer to a login must wait. Counts the login if its secret was wrong. */
  delayAfter(address: string, isRight: boolean): number {
    const network = networkOf(address)
    const wrong = this.#wrongOf(network)
    if (!isRight) this.#note(network, wrong + 1)
    const penalty = Math.min(longestDelay, wrongDelay * Math.max(0, wrong - freeGuesses + 1))
    return isRight ? penalty : Math.max(wrongDelay, penalty)
  }

  #wrongOf(network: string): number {
    const guesses = this.#guesses.get(network)
    if (guesses === undefined) return 0
    if (performance.now() - guesses.at < memory) return guesses.wrong
    this.#guesses.delete(network)
    return 0
  }

  #note(network: string, wrong: number): void {
    // The address is deleted and set again, so that the map's first address is the address whose latest wrong secret is the
    // oldest.
    this.#guesses.delete(network)
    this.#guesses.set(network, { wrong, at: performance.now() })
    const [oldest] = this.#guesses.keys()
    if (this.#guesses.size > mostAddresses && oldest !== undefined) this.#guesses.delete(oldest)
  }
}

/**
 * Returns the address whose wrong secrets are counted. For IPv6 it is the network, because one client can use all 2^64
 * addresses of its network.
 */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIPv6(plain) ? plain.split(':').slice(0, 4).join(':') : plain
}
