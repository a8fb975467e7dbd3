import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Named gates, by which the scripts and the code of a test wait for each other. A gate is open when its file exists. */
export class Gates implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'gates-'))

  /** Returns a shell command that waits until the gate is open. */
  passing(name: string): string {
    return `until [ -e '${this.#path(name)}' ]; do sleep 0.01; done`
  }

  /** Returns a shell command that opens the gate. */
  opening(name: string): string {
    return `: > '${this.#path(name)}'`
  }

  open(name: string): void {
    writeFileSync(this.#path(name), '')
  }

  /** Waits until the gate is open. */
  async passed(name: string): Promise<void> {
    while (!existsSync(this.#path(name))) await delay(5)
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
