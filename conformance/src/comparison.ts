import { printDifference } from './print.ts'
import type { Recorded } from './program.ts'
import { replay, styles } from './replay.ts'

/** Replays programs one after another, and prints a difference for each program whose trace is not the recorded one. */
export class Comparison {
  #compared = 0
  #differing = 0
  /** This many differences are printed in full. Of each further difference only the first eight lines are printed. */
  readonly #details = 3

  async add(programs: AsyncIterable<Recorded>): Promise<void> {
    for await (const recorded of programs) {
      const text = await differenceOf(recorded)
      this.#compared++
      if (text === null) continue
      this.#differing++
      const firstLines = text.split('\n').slice(0, 8).join('\n')
      process.stdout.write(`${this.#differing <= this.#details ? text : firstLines}\n\n`)
    }
  }

  report(): void {
    process.stdout.write(`${this.#compared} programs compared, ${this.#differing} differ\n`)
    if (this.#differing > 0) process.exitCode = 1
  }
}

/** Replays a program in both styles. Returns null if both leave the recorded trace, and otherwise a text with the difference. */
export async function differenceOf(recorded: Recorded): Promise<string | null> {
  for (const style of styles) {
    try {
      const difference = await replay(recorded, style)
      if (difference !== null) return `${style}: ${printDifference(recorded, difference)}`
    } catch (error) {
      return `${style}: ${recorded.profile} seed ${recorded.seed} fails: ${String(error)}`
    }
  }
  return null
}
