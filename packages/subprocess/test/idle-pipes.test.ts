// Tests a grandchild that holds the pipes of a child that has ended. Other libraries then wait for the grandchild.
import { sleep } from '@tasktree/core'
import { createSubprocessShell, DEVNULL, PIPE, run } from '@tasktree/subprocess'
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { DRAIN_GRACE } from '../src/held-pipe.ts'
import { running } from './support/system.ts'

function endAll(text: string): void {
  for (const pid of running(text)) process.kill(pid, 'SIGKILL')
}

test('run returns when the child has ended, although a grandchild keeps its pipe open', async () => {
  const { stdout } = await run('sh', ['-c', 'sleep 5151 & echo hi'], { encoding: 'utf8' })
  expect(stdout).toBe('hi\n')
  // The child has ended by itself, so its grandchild is not killed.
  expect(running('sleep 5151')).toHaveLength(1)
  endAll('sleep 5151')
})

/**
 * Calls `body` with an environment whose variable FIFO names a pipe, and with a function that writes a line to that pipe. With fake
 * timers, time passes in this program only when the test advances it.
 */
async function withPrompter(
  body: (prompt: (line: string) => void, env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'idle-pipes-'))
  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  const prompter = openSync(fifo, 'r+')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const prompt = (line: string): void => void writeSync(prompter, `${line}\n`)
    await body(prompt, { PATH: process.env['PATH'] ?? '', FIFO: fifo })
  } finally {
    vi.useRealTimers()
    closeSync(prompter)
    rmSync(folder, { recursive: true })
  }
}

test('output that a grandchild goes on writing is read as long as no long pause comes', () =>
  withPrompter(async (prompt, env) => {
    const script = '(while read -r line; do echo "$line"; done) < "$FIFO" & exit 0'
    const child = await createSubprocessShell(script, { stdin: DEVNULL, stdout: PIPE, env })
    expect(await child.wait()).toBe(0)
    const { stdout } = child
    for (let i = 1; i <= 20; i++) {
      vi.advanceTimersByTime(DRAIN_GRACE - 10)
      await nextTurn()
      prompt(`${i}`)
      expect(String(await stdout?.readLine())).toBe(`${i}\n`)
    }
    // The stream ends when nothing has come for a while, although the grandchild still has the pipe open.
    const time = setInterval(() => vi.advanceTimersByTime(DRAIN_GRACE), 5)
    expect(String(await stdout?.read(-1))).toBe('')
    clearInterval(time)
  }))

test('a slow reader gets all output of a child that has ended, although a grandchild keeps the pipe open', async () => {
  // The output is larger than the buffer of its reader.
  const script = 'sleep 5252 & head -c 200000 /dev/zero'
  const child = await createSubprocessShell(script, { stdin: DEVNULL, stdout: PIPE })
  await child.wait()
  // This is longer than the silence after which a pipe counts as ended.
  await sleep(250)
  expect(await child.stdout?.read(-1)).toHaveLength(200_000)
  endAll('sleep 5252')
})

test('output that has come while the program was blocked is read before the pipe counts as idle', () =>
  withPrompter(async (prompt, env) => {
    // The script creates this file when the line is in the pipe.
    const mark = `${env['FIFO']}.mark`
    const script =
      '(read -r line; echo "$line"; : > "$FIFO.mark"; exec sleep 5656) < "$FIFO" & exit 0'
    const child = await createSubprocessShell(script, { stdin: DEVNULL, stdout: PIPE, env })
    try {
      expect(await child.wait()).toBe(0)
      await nextTurn()
      prompt('late')
      while (!existsSync(mark)) execFileSync('sleep', ['0.01'])
      // The timer fires before this program reads again, as happens after a program was held up.
      vi.advanceTimersByTime(DRAIN_GRACE)
      expect(String(await child.stdout?.readLine())).toBe('late\n')
    } finally {
      endAll('sleep 5656')
    }
  }))

test('a timeout ends run although a process outside of the group goes on writing', async () => {
  const script = 'setsid sh -c "while :; do echo x; sleep 0.01; done # 5353" & sleep 60'
  const late = run('sh', ['-c', script], { timeout: 300 })
  await expect(late).rejects.toMatchObject({ name: 'TimeoutExpired' })
  endAll('# 5353')
})

test('a grandchild that writes on after the end of the child is paused while its output is not read', async () => {
  const script = 'yes 5454 & while :; do sleep 0.01; done'
  await using child = await createSubprocessShell(script, { stdin: DEVNULL, stdout: PIPE })
  await child.stdout?.readLine()
  // Only the child is killed, and not its group.
  process.kill(child.pid, 'SIGKILL')
  expect(await child.wait()).toBe(-9)
  const before = process.memoryUsage().rss
  // Without backpressure the grandchild would write hundreds of megabytes in this time.
  await sleep(400)
  expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  expect(running('yes 5454')).toHaveLength(1)
  endAll('yes 5454')
})
