import { fileURLToPath } from 'node:url'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Outcome, Program } from './program.ts'

const folder = fileURLToPath(new URL('../cpython/', import.meta.url))

/** Starts a script of the folder `cpython/`. The environment variable `PYTHON` names the interpreter, a CPython 3.13. */
function start(script: string, args: readonly string[]): ReturnType<typeof startPython> {
  return startPython([`${folder}${script}`, ...args])
}

function startPython(args: readonly string[]): {
  input: NodeJS.WritableStream
  output: Readable
  ended: Promise<void>
} {
  const child = spawn(process.env['PYTHON'] ?? 'python3.13', args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.on('error', reject)
  child.on('exit', (code) => {
    if (code === 0) resolve()
    else reject(new Error(`${args[0]} ended with ${code}`))
  })
  return { input: child.stdin, output: child.stdout, ended: promise }
}

/** Draws new programs and runs them under CPython. The output has the format that `parseTraces` of `traces.ts` reads. */
export function record(args: readonly string[]): { output: Readable; ended: Promise<void> } {
  return start('record.py', args)
}

/** A Python process that runs any program under CPython and answers with its traces, or with null if several answers are right. */
export class Oracle implements AsyncDisposable {
  readonly #python: ReturnType<typeof start>
  readonly #answers: AsyncIterator<string>

  /** `order` is a key of ORDERS in record.py. It says on which order of the ready callbacks the answer must not depend. */
  constructor(order = 'any') {
    this.#python = start('answer.py', [order])
    this.#answers = createInterface({ input: this.#python.output })[Symbol.asyncIterator]()
  }

  async ask(program: Program): Promise<Outcome | null> {
    this.#python.input.write(`${JSON.stringify(program)}\n`)
    const { value } = await this.#answers.next()
    return JSON.parse(value as string) as Outcome | null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#python.input.end()
    await this.#python.ended
  }
}
