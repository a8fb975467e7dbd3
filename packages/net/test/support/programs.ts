import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

const python: string = process.env['PYTHON'] ?? 'python3'

/** Whether `program` is on the PATH. */
export function has(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined
}

/** Whether there is a Python of version 3.11 or above. */
export const hasPython: boolean =
  spawnSync(python, ['-c', 'import asyncio; asyncio.TaskGroup']).status === 0

export interface Result {
  stdout: string
  stderr: string
  code: number | null
}

/** Runs `program` to its end, with `input` as its standard input. */
export async function output(program: string, args: string[], input = ''): Promise<Result> {
  const child = spawn(program, args)
  const closed = once(child, 'close') as Promise<[number | null]>
  child.stdin.on('error', () => {}).end(input)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await closed
  return { stdout, stderr, code }
}

export function pythonOutput(...args: string[]): Promise<Result> {
  return output(python, ['-u', ...args])
}

/** Runs Node with the arguments, so that imports resolve to the source of the packages. */
export function nodeOutput(...args: string[]): Promise<Result> {
  return output(process.execPath, ['--conditions=@tasktree/source', ...args])
}

/** A server in another process, which ends with the scope. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #output: Promise<string>

  constructor(child: ChildProcess, output: Promise<string>) {
    this.#child = child
    this.#output = output
  }

  /** Starts the program, and waits for a line that contains `ready`. Returns the program and that line. */
  static async start(
    program: string,
    args: string[],
    ready: string,
    from: 'stdout' | 'stderr' = 'stdout',
  ): Promise<[Program, string]> {
    const child = spawn(program, args)
    child.stdin.on('error', () => {})
    const { stdout, stderr } = child
    const output = text(stdout)
    if (from === 'stdout') stderr.resume()
    const lines = createInterface({ input: from === 'stdout' ? stdout : stderr })
    for await (const line of lines) {
      if (!line.includes(ready)) continue
      lines.close()
      child[from].resume()
      return [new Program(child, output), line]
    }
    throw new Error(`${program} ended before it was ready`)
  }

  static python(args: string[], ready: string): Promise<[Program, string]> {
    return Program.start(python, ['-u', ...args], ready)
  }

  get stdin(): NonNullable<ChildProcess['stdin']> {
    return this.#child.stdin as NonNullable<ChildProcess['stdin']>
  }

  /** Stops the program, and returns what it has printed. */
  async stop(): Promise<string> {
    const { exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null) {
      const closed = once(this.#child, 'close')
      this.#child.kill()
      await closed
    }
    return this.#output
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
