// Tests that a worker that is no longer needed ends by itself, and that a program that ends reports a forgotten pool or job.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bundled } from './support/bundled.ts'
import { kinds } from './support/kinds.ts'

const program = fileURLToPath(bundled('endings.js'))

interface End {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function run(what: string, kind: string, file = ''): Promise<End> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=@tasktree/source', '--expose-gc', program, what, kind, file],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const read = (pipe: ChildProcess['stdout']): { text: string } => {
    const box = { text: '' }
    pipe?.on('data', (chunk: Buffer) => {
      box.text += chunk.toString()
    })
    return box
  }
  const [out, err] = [read(child.stdout), read(child.stderr)]
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: out.text, stderr: err.text }
}

const forgotten = [
  'forgotten job',
  'forgotten job in run',
  'job that fails after its run',
  'collected job',
  'collected job after its run',
]

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'executor-end-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ name, make }) => {
  test.for(['shutdown', 'idle end', 'replaced', 'forgotten pool', 'default pool'])(
    'the last output and the exit listeners of a worker are not lost when the worker ends: %s',
    async (what) => {
      const file = join(folder, 'mark')
      const { code, stdout } = await run(what, name, file)
      expect(stdout.split('\n').filter((line) => line.startsWith('line '))).toHaveLength(500)
      expect(readFileSync(file, 'utf8')).toBe('bye')
      expect(code).toBe(0)
    },
  )

  test('shutdown ends an idle worker at once although the worker has timers', async () => {
    const pool = make({ maxWorkers: 1, exitGrace: 300_000 })
    await pool.submit(() => {
      setInterval(() => {}, 10)
      setTimeout(() => {}, 60_000)
    })
    // If the shutdown waited for the timer, the test would fail at its time limit.
    await pool.shutdown()
    expect(pool.stats).toMatchObject({ workers: 0, crashed: 0 })
  })

  test('shutdown terminates a worker that does not end within exitGrace', async () => {
    const pool = make({ maxWorkers: 1, exitGrace: 50 })
    await pool.submit(() => {
      process.on('exit', () => {
        for (;;) continue
      })
    })
    await pool.shutdown()
    expect(pool.stats).toMatchObject({ workers: 0, crashed: 0 })
  })

  test('a worker whose exit listener throws or sets an exit code is not counted as crashed', async () => {
    for (const job of [
      () => {
        process.on('exit', () => process.exit(7))
      },
      () => {
        process.exitCode = 9
      },
    ]) {
      const pool = make({ maxWorkers: 1 })
      await pool.submit(job)
      await pool.shutdown()
      expect(pool.stats).toMatchObject({ workers: 0, crashed: 0 })
    }
  })

  test('a failed job that no code awaits is reported when the program ends, with and without a run', async () => {
    for (const what of forgotten) {
      const { code, stderr } = await run(what, name)
      expect(stderr).toContain('lost')
      expect(stderr.match(/was never retrieved/g)).toHaveLength(1)
      expect(code).toBe(1)
    }
  })

  test('a job that fails after its run has ended does not break its pool', async () => {
    const { stdout } = await run('job that fails after its run', name)
    expect(stdout).toBe('the pool goes on\n')
  })

  test('a failed job whose error was read is not reported', async () => {
    const { code, stderr } = await run('seen job', name)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})
