import { stripVTControlCharacters } from 'node:util'
import logUpdate from 'log-update'

/** Changing lines at the bottom of a terminal, below the printed text. If the output is not a terminal, they are not shown. */
export class LiveLines implements Disposable {
  readonly #isTerminal = process.stdout.isTTY
  #lines: string[] = []

  /** How many characters a line may have. */
  get width(): number {
    return this.#isTerminal ? process.stdout.columns : 120
  }

  show(lines: string[]): void {
    this.#lines = lines
    if (this.#isTerminal) logUpdate(lines.join('\n'))
  }

  /** Prints a text above the changing lines. The text stays there. */
  print(text: string): void {
    if (this.#isTerminal) logUpdate.clear()
    process.stdout.write(this.#isTerminal ? `${text}\n` : `${stripVTControlCharacters(text)}\n`)
    if (this.#isTerminal && this.#lines.length > 0) this.show(this.#lines)
  }

  /** Removes the changing lines from the terminal. */
  [Symbol.dispose](): void {
    this.#lines = []
    if (!this.#isTerminal) return
    logUpdate.clear()
    logUpdate.done()
  }
}

/** Returns a progress bar of `width` characters. `share` is the finished part of the work, from 0 to 1. */
export function makeBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}
