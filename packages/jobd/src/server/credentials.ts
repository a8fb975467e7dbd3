import { createHash, timingSafeEqual } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { sleep } from '@tasktree/core'

/** A secret, and the name under which its owner appears in the audit. */
export interface Token {
  name: string
  secret: string
}

/** The name in the audit of everyone who gives the secret of `--password`. */
export const defaultName = 'default'

/** A wrong secret is answered after this many milliseconds. */
const wrongDelay = 250

/** Wrong guesses that an address is forgiven; each further one delays all later answers to that address. */
const freeGuesses = 5
const longestDelay = 2_000

/** An address that has not guessed for this long is forgotten. Milliseconds. */
const memory = 600_000
const mostAddresses = 10_000

interface Guesses {
  wrong: number
  at: number
}

/**
 * Who may use the server. Guessing is slowed down for each client address on its own, and nobody is ever refused
 * unseen: the right secret is let in even while others, or others of the same address, guess.
 */
export class Credentials {
  readonly #tokens: readonly { name: string; digest: Buffer }[]
  readonly #guesses = new Map<string, Guesses>()

  /** @throws {RangeError} for a name that is given twice or is empty, and for an empty secret */
  constructor(tokens: readonly Token[]) {
    const names = new Set<string>()
    for (const { name, secret } of tokens) {
      if (!/^[\w.@-]{1,64}$/.test(name))
        throw new RangeError(
          `a token's name has 1 to 64 letters, digits or any of . _ @ -, got ${JSON.stringify(name.slice(0, 80))}`,
        )
      if (names.has(name)) throw new RangeError(`there are two tokens named ${name}`)
      if (secret === '') throw new RangeError(`the secret of ${name} is empty`)
      names.add(name)
    }
    this.#tokens = tokens.map(({ name, secret }) => ({ name, digest: digest(secret) }))
  }

  /** Nobody is asked for a secret. */
  get isEmpty(): boolean {
    return this.#tokens.length === 0
  }

  /** The name that goes with a secret, and is `wanted` if that is given; null: there is none. It takes the same time for each. */
  find(secret: string, wanted: string | null = null): string | null {
    const given = digest(secret)
    let found: string | null = null
    for (const token of this.#tokens)
      if (timingSafeEqual(token.digest, given) && (wanted === null || wanted === token.name))
        found ??= token.name
    return found
  }

  /** As `find`, with the answer delayed for an address that has guessed wrong. */
  async logIn(
    address: string,
    secret: string,
    wanted: string | null = null,
  ): Promise<string | null> {
    const found = this.find(secret, wanted)
    const network = networkOf(address)
    const wrong = this.#wrongOf(network)
    // Noted before the delay: a client that hangs up early has guessed too.
    if (found === null) this.#note(network, wrong + 1)
    const penalty = Math.min(longestDelay, wrongDelay * Math.max(0, wrong - freeGuesses + 1))
    const delay = found === null ? Math.max(wrongDelay, penalty) : penalty
    if (delay > 0) await sleep(delay)
    return found
  }

  #wrongOf(network: string): number {
    const guesses = this.#guesses.get(network)
    if (guesses === undefined) return 0
    if (performance.now() - guesses.at < memory) return guesses.wrong
    this.#guesses.delete(network)
    return 0
  }

  #note(network: string, wrong: number): void {
    // Put at the end again: the first address is then the one that guessed longest ago.
    this.#guesses.delete(network)
    this.#guesses.set(network, { wrong, at: performance.now() })
    const [oldest] = this.#guesses.keys()
    if (this.#guesses.size > mostAddresses && oldest !== undefined) this.#guesses.delete(oldest)
  }
}

/** The address that limits apply to: of IPv6 the network, because one client has all 2^64 addresses of it. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIPv6(plain) ? plain.split(':').slice(0, 4).join(':') : plain
}

/** A digest has the same length for every text, as `timingSafeEqual` needs it. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
