import { spawn } from 'node:child_process'

/** Runs a program in a new process. `signal` is sent to it each time it prints a line with "ready". */
export async function program(
  body: string,
  signal?: NodeJS.Signals,
): Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string }> {
  const source = `import * as core from '@tasktree/core'\n${body}`
  const child = spawn(
    process.execPath,
    [
      '--expose-gc',
      '--conditions=@tasktree/source',
      '--input-type=module-typescript',
      '--eval',
      source,
    ],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
    if (signal !== undefined && chunk.toString().includes('ready')) child.kill(signal)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const { promise, resolve } = Promise.withResolvers<[number | null, NodeJS.Signals | null]>()
  child.once('close', (code, by) => resolve([code, by]))
  const [code, by] = await promise
  return { code, signal: by, output }
}
