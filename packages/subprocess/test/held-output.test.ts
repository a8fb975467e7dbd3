// Tests output that is still in a pipe, or that a grandchild still writes, when the process itself has ended.
import { sleep } from '@tasktree/core'
import { StreamWriter } from '@tasktree/streams'
import {
  $,
  createSubprocessShell,
  DEVNULL,
  ManagedProcess,
  PIPE,
  type Process,
  run,
} from '@tasktree/subprocess'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import { DRAIN_GRACE } from '../src/held-pipe.ts'
import { children, running } from './support/system.ts'

/** The shell ends at once, and `yes` writes for ever. CPython's `subprocess.run` ends at its timeout too. */
const endless = 'yes 5757 & exit 0'
/** Shorter than `DRAIN_GRACE`, the silence after which a pipe counts as ended: a busy machine may not run `yes` at once. */
const SOON = DRAIN_GRACE / 2

afterEach(() => {
  for (const pid of running('yes 5757')) process.kill(pid, 'SIGKILL')
})

test('the timeout and the signal of run end the reading of output that a grandchild still writes', async () => {
  const late = run('sh', ['-c', endless], { timeout: SOON, stderr: DEVNULL })
  await expect(late).rejects.toMatchObject({ name: 'TimeoutExpired' })
  const signal = AbortSignal.timeout(SOON)
  const aborted = run('sh', ['-c', endless], { signal, stderr: DEVNULL })
  await expect(aborted).rejects.toSatisfy((error) => (error as Error).cause === signal.reason)
})

test('the timeout of a command ends a loop over lines, a pipe and a copy of output that a grandchild writes', async () => {
  const limited = $({ timeout: SOON, stderr: DEVNULL })
  await expect(async () => {
    for await (const _ of limited`sh -c ${endless}`.lines());
  }).rejects.toMatchObject({ name: 'TimeoutExpired' })
  const piped = limited`sh -c ${endless}`.pipe($`wc -l`)
  await expect(piped).rejects.toMatchObject({ name: 'TimeoutExpired' })
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
  const stdout = StreamWriter.to(sink)
  const options = { stdin: DEVNULL, stdout, stderr: DEVNULL, timeout: SOON } as const
  const child = await createSubprocessShell(endless, options)
  await expect(child.wait()).rejects.toMatchObject({ name: 'TimeoutExpired' })
  sink.destroy()
})

test('a grandchild that writes more than `maxBuffer` ends the capture', async () => {
  // With fake timers no time passes by itself. Otherwise a silence could end the pipe before `yes` writes.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const options = { stdin: DEVNULL, stdout: PIPE, stderr: DEVNULL } as const
    const child = await createSubprocessShell(endless, options)
    expect(await child.wait()).toBe(0)
    expect(String(await child.stdout?.readLine())).toBe('5757\n')
    const captured = child.capture(undefined, 1_000)
    const time = setInterval(() => vi.advanceTimersByTime(DRAIN_GRACE), 5)
    const { stdout, cut } = await captured
    clearInterval(time)
    expect([stdout?.length, cut]).toEqual([1_000, { over: 'stdout' }])
  } finally {
    vi.useRealTimers()
  }
})

test('wait and communicate after the exit of a process do not throw TimeoutExpired after its timeout', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const options = { stdin: DEVNULL, stdout: PIPE, timeout: 100 } as const
    const child = await createSubprocessShell('echo text', options)
    expect(await child.wait()).toBe(0)
    vi.advanceTimersByTime(200)
    expect(await child.wait()).toBe(0)
    expect(String((await child.communicate())[0])).toBe('text\n')
  } finally {
    vi.useRealTimers()
  }
})

test('a signal that aborts after the exit of a process ends a communicate that would still wait', async () => {
  const abort = new AbortController()
  const options = { stdin: PIPE, stdout: PIPE, signal: abort.signal } as const
  const child = await createSubprocessShell('yes 5757 & read line', options)
  // This line proves that `yes` writes. Then the test lets the shell end.
  expect(String(await child.stdout?.readLine())).toBe('5757\n')
  child.stdin?.write('\n')
  expect(await child.wait()).toBe(0)
  abort.abort()
  expect(await child.wait()).toBe(0)
  await expect(child.communicate()).rejects.toMatchObject({ name: 'CancelledError' })
  await child[Symbol.asyncDispose]()
})

/**
 * Calls `body` with a script that writes numbered lines until the pipe is full, and with a function that waits until then and
 * returns how many lines were written completely.
 */
async function withWriter(
  body: (script: string, blocked: () => Promise<number>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'held-output-'))
  const file = join(folder, 'written')
  const long = 'x'.repeat(1_000)
  const script = `i=0; while :; do i=$((i+1)); echo "${long} $i"; echo $i > '${file}'; done`
  const blocked = async (): Promise<number> => {
    for (let before = ''; ;) {
      await sleep(100)
      const written = readFileSync(file, 'utf8')
      if (written !== '' && written === before) return Number(written)
      before = written
    }
  }
  try {
    await body(script, blocked)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const numberIn = (line: string): number => Number(line.split(' ')[1])

test('a slow reader gets every line that a process wrote before it was ended', () =>
  withWriter(async (script, blocked) => {
    const abort = new AbortController()
    const options = { stdin: DEVNULL, stdout: PIPE, signal: abort.signal } as const
    const child: Process = await createSubprocessShell(script, options)
    const written = await blocked()
    abort.abort()
    await expect(child.wait()).rejects.toMatchObject({ name: 'CancelledError' })
    // This is longer than the silence after which a pipe counts as ended.
    await sleep(250)
    const numbers: number[] = []
    for await (const line of child.stdout?.lines() ?? []) numbers.push(numberIn(line))
    const expected = Array.from({ length: written }, (_, index) => index + 1)
    expect(numbers.slice(0, written)).toEqual(expected)
  }))

test('a slow onStdout gets every line that a managed process wrote before it was stopped', () =>
  withWriter(async (script, blocked) => {
    const release = Promise.withResolvers<void>()
    const numbers: number[] = []
    const helper = new ManagedProcess('sh', ['-c', script], {
      killGrace: 60_000,
      async onStdout(line) {
        numbers.push(numberIn(line))
        if (numbers.length === 1) await release.promise
      },
    })
    await helper.start()
    const written = await blocked()
    const stopped = helper.stop()
    await expect.poll(children).toEqual([])
    await sleep(250)
    release.resolve()
    expect(await stopped).toBe(-15)
    const expected = Array.from({ length: written }, (_, index) => index + 1)
    expect(numbers.slice(0, written)).toEqual(expected)
  }))
