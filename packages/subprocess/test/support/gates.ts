import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Places in the scripts of a test at which a script waits for the test, or the test for a script. */
export class Gates implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'gates-'))

  /** The command of a script that waits until the test opens the gate. */
  passing(name: string): string {
    return `until [ -e '${this.#path(name)}' ]; do sleep 0.01; done`
  }

  /** The command of a script that opens the gate. */
  opening(name: string): string {
    return `: > '${this.#path(name)}'`
  }

  open(name: string): void {
    writeFileSync(this.#path(name), '')
  }

  /** Waits until a script opens the gate. */
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
