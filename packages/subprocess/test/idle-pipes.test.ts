// Where every peer fails: a grandchild that holds the pipes of a child that has ended.
import { sleep } from '@tasktree/core'
import { createSubprocessShell, DEVNULL, PIPE, run } from '@tasktree/subprocess'
import { expect, test } from 'vitest'
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
  const script = '(for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.04; done) & exit 0'
  const { stdout } = await run('sh', ['-c', script], { encoding: 'utf8' })
  expect(stdout).toBe('1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n')
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
