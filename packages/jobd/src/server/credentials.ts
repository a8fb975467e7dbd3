import { createHash, timingSafeEqual } from 'node:crypto'
import { sleep } from '@tasktree/core'
import { LoginDelays } from './login-delays.ts'

/** A secret, and the name by which the audit calls its owner. */
export interface Token {
  name: string
  secret: string
}

/** The audit calls every client by this name that has sent the secret of `--password`. */
export const defaultName = 'default'

/**
 * The secrets with which clients may use the server. The right secret is accepted at every time, even while other
 * clients of the same address send wrong secrets. `LoginDelays` slows down clients that guess.
 */
export class Credentials {
  readonly #tokens: readonly { name: string; digest: Buffer }[]
  readonly #delays = new LoginDelays()

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

  /** Whether there are no secrets, so that every client may use the server. */
  get isEmpty(): boolean {
    return this.#tokens.length === 0
  }

  /**
   * Returns the name of the owner of a secret, or null when the secret is wrong or `wanted` is another name. Every search
   * takes the same time, so that the time tells nothing about the secrets.
   */
  find(secret: string, wanted: string | null = null): string | null {
    const given = digest(secret)
    let found: string | null = null
    for (const token of this.#tokens)
      if (timingSafeEqual(token.digest, given) && (wanted === null || wanted === token.name))
        found ??= token.name
    return found
  }

  /** Does the same as `find`, but answers an address that has sent wrong secrets only after a delay. */
  async logIn(
    address: string,
    secret: string,
    wanted: string | null = null,
  ): Promise<string | null> {
    const found = this.find(secret, wanted)
    // The wrong secret is counted before the delay, so that it also counts when the client closes the connection early.
    const delay = this.#delays.delayAfter(address, found !== null)
    if (delay > 0) await sleep(delay)
    return found
  }
}

/** Hashes a text, because `timingSafeEqual` compares only values of the same length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
