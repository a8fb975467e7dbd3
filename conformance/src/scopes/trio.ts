import { fileURLToPath } from 'node:url'
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { Dropped, Recorded, ScopeProgram } from './program.ts'

const script = fileURLToPath(new URL('../../trio/oracle.py', import.meta.url))

/**
 * Finds a Python that can import trio: the one that the environment variable `TRIO_PYTHON` names, `python3` on the path, or the
 * Python of the system. Returns null if none of them can.
 */
export function findTrio(): string | null {
  const candidates = [process.env['TRIO_PYTHON'], 'python3', '/usr/bin/python3']
  const hasTrio = (python: string): boolean =>
    spawnSync(python, ['-c', 'import trio; BaseExceptionGroup']).status === 0
  return candidates.filter((python) => python !== undefined).find(hasTrio) ?? null
}

/** A running process of `trio/oracle.py`, which says what Trio does with a program. */
export class TrioOracle implements Disposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<string>

  constructor(python: string) {
    this.#child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** Sends a program. `receive` returns the answers in the order in which the programs were sent. */
  send(program: ScopeProgram): void {
    this.#child.stdin.write(`${JSON.stringify(program)}\n`)
  }

  async receive(): Promise<Recorded | Dropped> {
    const { done, value } = await this.#answers.next()
    if (done === true) throw new Error('the Trio oracle has ended')
    return JSON.parse(value) as Recorded | Dropped
  }

  async ask(program: ScopeProgram): Promise<Recorded | Dropped> {
    this.send(program)
    return this.receive()
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}
