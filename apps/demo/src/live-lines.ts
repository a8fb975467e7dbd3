import { stripVTControlCharacters } from 'node:util'
import logUpdate from 'log-update'

/** Lines that stay at the bottom of a terminal and change, under what is printed. Where there is none they are left out. */
export class LiveLines implements Disposable {
  readonly #isTerminal = process.stdout.isTTY
  #lines: string[] = []

  /** Columns to write in. */
  get width(): number {
    return this.#isTerminal ? process.stdout.columns : 120
  }

  show(lines: string[]): void {
    this.#lines = lines
    if (this.#isTerminal) logUpdate(lines.join('\n'))
  }

  /** A text that stays. */
  print(text: string): void {
    if (this.#isTerminal) logUpdate.clear()
    process.stdout.write(this.#isTerminal ? `${text}\n` : `${stripVTControlCharacters(text)}\n`)
    if (this.#isTerminal && this.#lines.length > 0) this.show(this.#lines)
  }

  /** Takes the changing lines away. */
  [Symbol.dispose](): void {
    this.#lines = []
    if (!this.#isTerminal) return
    logUpdate.clear()
    logUpdate.done()
  }
}

/** A bar of `width` characters for a share from 0 to 1. */
export function makeBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}
