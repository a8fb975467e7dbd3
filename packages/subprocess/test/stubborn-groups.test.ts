// Tests process groups whose leader has ended. The other members are not children of this process, so the system does not report
// their end to it.
import { createSubprocessExec, createSubprocessShell, DEVNULL, PIPE } from '@tasktree/subprocess'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { running } from './support/system.ts'
import { testWhere } from '../../../vitest.skips.ts'

test(
  'the end of a hundred groups that ignore SIGTERM leaves the event loop nearly idle',
  { tags: ['slow'] },
  async () => {
    const script = '(trap "" TERM; exec sleep 59.31) & wait'
    const options = { killGrace: 1_500, stdin: DEVNULL } as const
    const children = await Promise.all(
      Array.from({ length: 100 }, () => createSubprocessExec('sh', ['-c', script], options)),
    )
    while (running('sleep 59.31').length < 100) await delay(50)
    // A child that has just begun may not ignore the signal yet.
    await delay(200)
    const kill = vi.spyOn(process, 'kill')
    const open = vi.spyOn(fs, 'openSync')
    syncBuiltinESMExports()
    onTestFinished(() => {
      open.mockRestore()
      syncBuiltinESMExports()
    })
    await Promise.all(children.map((child) => child[Symbol.asyncDispose]()))
    const checks = kill.mock.calls.filter(([, signal]) => signal === 0).length
    const reads = open.mock.calls.length
    expect(running('sleep 59.31')).toEqual([])
    // Each of the 100 groups is checked about 20 times, with signal 0. Only some of these checks read files of /proc, because one
    // reading of all processes serves all groups.
    expect(checks).toBeLessThan(6_000)
    expect(reads).toBeLessThan(checks + 8 * fs.readdirSync('/proc').length)
  },
)

test('disposal does not wait until killGrace for a group that ignores SIGTERM and ends by itself', async () => {
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
  'disposal does not wait for a process group in which only zombies are left',
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

test('disposal ends a group that ignores SIGTERM and forks all the time', async () => {
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
