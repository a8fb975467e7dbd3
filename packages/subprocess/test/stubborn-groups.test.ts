// Tests process groups whose leader has ended. The other members are not children of this process, so the system does not report
// their end to it.
import { createSubprocessExec, createSubprocessShell, DEVNULL, PIPE } from '@tasktree/subprocess'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { running } from './support/system.ts'
import { testWhere } from '../../../vitest.skips.ts'

test('a hundred of them leave the loop nearly idle', { tags: ['slow'] }, async () => {
  const script = '(trap "" TERM; exec sleep 59.31) & wait'
  const options = { killGrace: 1_500, stdin: DEVNULL } as const
  const children = await Promise.all(
    Array.from({ length: 100 }, () => createSubprocessExec('sh', ['-c', script], options)),
  )
  while (running('sleep 59.31').length < 100) await delay(50)
  // A child that has just begun may not ignore the signal yet.
  await delay(200)
  const ended = Promise.all(children.map((child) => child[Symbol.asyncDispose]()))
  // In this time a hundred leaders end, which takes CPU time. So the measurement begins later.
  await delay(300)
  const [before, start] = [process.threadCpuUsage(), performance.now()]
  await delay(1_000)
  const { user, system } = process.threadCpuUsage(before)
  const seconds = (performance.now() - start) / 1_000
  await ended
  expect(running('sleep 59.31')).toEqual([])
  // The milliseconds of CPU time in each second are usually about 30.
  expect((user + system) / 1_000 / seconds).toBeLessThan(250)
})

test('one whose members end by themselves is not waited for until killGrace', async () => {
  const script = '(trap "" TERM; sleep 0.3) & echo ready; wait'
  const child = await createSubprocessShell(script, {
    stdin: DEVNULL,
    stdout: PIPE,
    // This is longer than the test may take.
    killGrace: 60_000,
  })
  await child.stdout?.readLine()
  await child[Symbol.asyncDispose]()
})

testWhere(process.platform === 'linux', 'only Linux counts zombies as members of a group')(
  'one of zombies only has gone, although the system still counts them',
  async () => {
    // The grandchild stays in the group as a zombie, because its parent has left the group and does not reap it.
    const code = [
      'import os, time',
      'if os.fork() == 0: os._exit(0)',
      'os.setpgid(0, 0)',
      'print("ready", flush=True)',
      'time.sleep(59.32)',
    ].join('\n')
    const child = await createSubprocessExec('sh', ['-c', 'python3 -c "$0" & wait', code], {
      stdin: DEVNULL,
      stdout: PIPE,
      // This is longer than the test may take.
      killGrace: 60_000,
    })
    try {
      await child.stdout?.readLine()
      await child[Symbol.asyncDispose]()
      expect(() => process.kill(-child.pid, 0)).not.toThrow()
    } finally {
      for (const pid of running('time.sleep(59.32)')) process.kill(pid, 'SIGKILL')
    }
  },
)

test('one that forks all the time is found and ended', async () => {
  const script = '(trap "" TERM; while :; do sleep 0.0159; done) & echo ready; wait'
  const child = await createSubprocessShell(script, {
    stdin: DEVNULL,
    stdout: PIPE,
    killGrace: 400,
  })
  await child.stdout?.readLine()
  await child[Symbol.asyncDispose]()
  expect(running('sleep 0.0159')).toEqual([])
})
