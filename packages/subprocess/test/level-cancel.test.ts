import { run as runLoop, sleep } from '@tasktree/core'
import {
  $,
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  ManagedProcess,
  PIPE,
  run,
} from '@tasktree/subprocess'
import { describe, expect, test } from 'vitest'
import { sweepLevelCancel, type Swept } from '../../core/test/support/level-sweep.ts'
import { children } from './support/system.ts'

/** Waits for the next moment of a cancel. The first 8 moments are one turn apart. Later ones are 5 ms apart. */
const moment = (i: number): Promise<void> => sleep(i < 8 ? 0 : 5).then(() => {})
const stubborn = '(trap "" TERM; exec sleep 48.49) & echo ready; wait'
const piped = { stdin: DEVNULL, stdout: PIPE, killGrace: 40 } as const
const managed = (): ManagedProcess =>
  new ManagedProcess('sh', ['-c', 'echo ready; exec sleep 60'], {
    ready: /ready/,
    restart: 'always',
    killGrace: 500,
  })

const operations: Record<string, Swept<undefined>> = {
  run: { operate: () => run('sleep', ['60']) },
  'run with input': { operate: () => run('cat', [], { input: Buffer.alloc(500_000) }) },
  'a pipe': { operate: async () => $`yes`.pipe($`cat`).pipe($`wc -c`) },
  lines: {
    operate: async () => {
      for await (const _ of $`yes`.pipe($`cat`).lines()) await sleep(0)
    },
  },
  communicate: {
    operate: async () => {
      await using child = await createSubprocessExec('sleep', ['60'], piped)
      await child.communicate()
    },
  },
  'wait with a timeout': {
    operate: async () => {
      await using child = await createSubprocessExec('sleep', ['60'], piped)
      await child.wait({ timeout: 60_000 })
    },
  },
  'the disposal of a process that is hard to kill': {
    operate: async () => {
      await using child = await createSubprocessShell(stubborn, piped)
      await child.stdout?.readLine()
      await sleep(10)
    },
  },
  'a ManagedProcess': {
    operate: async () => {
      await using helper = managed()
      await helper.start()
      await helper.restart()
      await helper.stop()
    },
  },
  'the disposal of a ManagedProcess': {
    operate: async () => {
      await using helper = managed()
      await helper.start()
      await sleep(20)
    },
  },
}

describe('a scope that is cancelled in any turn of these operations ends without a busy loop, and leaves no child', () => {
  test.each(Object.keys(operations))('%s', { tags: ['slow'], timeout: 120_000 }, (name) =>
    runLoop(async () => {
      await run('true')
      const cancels = await sweepLevelCancel({
        ...(operations[name] as Swept<undefined>),
        moment,
        moments: 20,
        grace: 10_000,
        settle: 3_000,
        turns: 1_500,
        after: () => expect(children()).toEqual([]),
      })
      expect(cancels).toBeGreaterThan(0)
    }),
  )
})
