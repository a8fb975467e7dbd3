import { createHash, timingSafeEqual } from 'node:crypto'
import { sleep } from '@tasktree/core'
import { CapacityLimiter } from '@tasktree/sync'

/** A wrong guess is thought about so long, one after the other: guessing takes ages. Milliseconds. */
const wrongGuessDelay = 100

/** So many guesses are in line; further ones are wrong at once. */
const mostGuesses = 100

/** What clients must say first. */
export class Password {
  readonly #digest: Buffer
  readonly #guesses = new CapacityLimiter(1)

  constructor(text: string) {
    this.#digest = digest(text)
  }

  async matches(guess: string): Promise<boolean> {
    if (timingSafeEqual(digest(guess), this.#digest)) return true
    if (this.#guesses.statistics().waiters >= mostGuesses) return false
    using _ = await this.#guesses.acquire()
    await sleep(wrongGuessDelay)
    return false
  }
}

/** Of one length, whatever the text's: what `timingSafeEqual` needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
