import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { main } from './served.ts'

export interface Ended {
  code: number | null
  out: string
  err: string
}

/** Runs the program to its end. Its environment has only `env`, the path, and the folder of Node's compile cache. */
export async function runProgram(
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A program that hangs is killed, so that its test fails and the program does not stay.
    timeout: 100_000,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      NO_COLOR: '1',
      ...env,
    },
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  await once(child, 'close')
  return { code: child.exitCode, out, err }
}
