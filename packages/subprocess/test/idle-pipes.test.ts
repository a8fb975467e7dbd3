// Where every peer fails: a grandchild that holds the pipes of a child that has ended.
import { sleep } from '@tasktree/core'
import { createSubprocessShell, DEVNULL, PIPE, run } from '@tasktree/subprocess'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { DRAIN_GRACE } from '../src/held-pipe.ts'
import { running } from './support/system.ts'

function endAll(text: string): void {
  for (const pid of running(text)) process.kill(pid, 'SIGKILL')
}

test('a grandchild that holds the pipe does not hold the result', async () => {
  const start = performance.now()
  const { stdout } = await run('sh', ['-c', 'sleep 5151 & echo hi'], { encoding: 'utf8' })
  expect(stdout).toBe('hi\n')
  expect(performance.now() - start).toBeLessThan(3_000)
  // The child has ended by itself, so what it has left running is left alone.
  expect(running('sleep 5151')).toHaveLength(1)
  endAll('sleep 5151')
})

test('what a grandchild goes on writing is not cut, as long as it comes', async () => {
  // The grandchild writes what comes through a named pipe, and the time of this program passes when the test says so.
  const folder = mkdtempSync(join(tmpdir(), 'idle-pipes-'))
  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  const prompter = openSync(fifo, 'r+')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const script = '(while read -r line; do echo "$line"; done < "$FIFO") & exit 0'
    const env = { ...process.env, FIFO: fifo }
    const child = await createSubprocessShell(script, { stdin: DEVNULL, stdout: PIPE, env })
    expect(await child.wait()).toBe(0)
    const { stdout } = child
    for (let i = 1; i <= 20; i++) {
      vi.advanceTimersByTime(DRAIN_GRACE - 10)
      writeSync(prompter, `${i}\n`)
      expect(String(await stdout?.readLine())).toBe(`${i}\n`)
    }
    // It ends when nothing more comes, although the grandchild still has the pipe.
    let end: string | null = null
    void stdout?.read(-1).then((rest) => (end = String(rest)))
    // oxlint-disable-next-line eslint/no-unmodified-loop-condition -- the callback above sets it
    while (end === null) {
      vi.advanceTimersByTime(DRAIN_GRACE)
      await nextTurn()
    }
    expect(end).toBe('')
  } finally {
    vi.useRealTimers()
    closeSync(prompter)
    rmSync(folder, { recursive: true })
  }
})

test('a slow reader loses nothing of what came before the end', async () => {
  // More than its reader takes in by itself.
  const script = 'sleep 5252 & head -c 200000 /dev/zero'
  const child = await createSubprocessShell(script, { stdin: DEVNULL, stdout: PIPE })
  await child.wait()
  // Longer than the silence after which a pipe is given up.
  await sleep(250)
  expect(await child.stdout?.read(-1)).toHaveLength(200_000)
  endAll('sleep 5252')
})

test('a timeout ends the reading though something outside of the group goes on writing', async () => {
  const script = 'setsid sh -c "while :; do echo x; sleep 0.01; done # 5353" & sleep 60'
  const late = run('sh', ['-c', script], { timeout: 300 })
  await expect(late).rejects.toMatchObject({ name: 'TimeoutExpired' })
  endAll('# 5353')
})

test('a grandchild that writes on is held while nobody reads, also after the end of the child', async () => {
  const script = 'yes 5454 & while :; do sleep 0.01; done'
  await using child = await createSubprocessShell(script, { stdin: DEVNULL, stdout: PIPE })
  await child.stdout?.readLine()
  // Only the leader is killed.
  process.kill(child.pid, 'SIGKILL')
  expect(await child.wait()).toBe(-9)
  const before = process.memoryUsage().rss
  // It could write hundreds of megabytes meanwhile.
  await sleep(400)
  expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  expect(running('yes 5454')).toHaveLength(1)
  endAll('yes 5454')
})
