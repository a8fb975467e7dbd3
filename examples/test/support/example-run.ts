import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ExampleRun {
  code: number | null
  stdout: string
  stderr: string
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const fromSource = ['--conditions=@tasktree/source']

/**
 * Runs the program of `npm run example` in a new process, and returns its exit code and what it printed. `flags` are options for
 * Node. When `signal` aborts, the process gets SIGTERM.
 */
export function runExample(
  args: readonly string[],
  options: { flags?: readonly string[]; signal?: AbortSignal } = {},
): Promise<ExampleRun> {
  const { flags = fromSource, signal } = options
  const { resolve, reject, promise } = Promise.withResolvers<ExampleRun>()
  const child = spawn(process.execPath, [...flags, main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // An example that hangs is killed, so that the test fails and shows what the example has printed.
    timeout: 60_000,
    killSignal: 'SIGKILL',
    // With this locale the messages of system programs are in English.
    env: { ...process.env, LC_ALL: 'C', NODE_OPTIONS: '' },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  const end = (): void => void child.kill()
  signal?.addEventListener('abort', end)
  child.once('error', reject)
  child.once('close', (code) => {
    signal?.removeEventListener('abort', end)
    resolve({ code, stdout, stderr })
  })
  return promise
}

/** Runs the examples with these names, three at the same time, because most of them sleep most of the time. */
export async function runExamples(names: readonly string[]): Promise<Map<string, ExampleRun>> {
  const runs = new Map<string, ExampleRun>()
  const waiting = names.values()
  const worker = async (): Promise<void> => {
    for (const name of waiting) runs.set(name, await runExample([name]))
  }
  await Promise.all([worker(), worker(), worker()])
  return runs
}
