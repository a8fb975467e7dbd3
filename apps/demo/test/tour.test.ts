import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test(
  'the tour ends with code 0, with no job lost and no process left',
  { tags: ['slow'] },
  async () => {
    const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
    // The demo runs in a new process group, so that the test can find processes that it leaves behind.
    const child = spawn(process.execPath, [main], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let output = ''
    for (const pipe of [child.stdout, child.stderr])
      pipe.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const { promise, resolve } = Promise.withResolvers<number | null>()
    child.once('close', resolve)
    const code = await promise
    if (code !== 0) throw new Error(`exit code ${code}:\n${output}`)
    expect(output).toContain('0 lost; worker-1 is incarnation 2')
    expect(output).toContain('worker-1  actor  running  restarts 1')
    expect(() => process.kill(-(child.pid as number), 0)).toThrow('ESRCH')
  },
)
