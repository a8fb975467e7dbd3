import { hasSubscribers } from 'node:diagnostics_channel'
import { runInThisContext } from 'node:vm'
import { createTask, run, sleep } from '@tasktree/core'
import { type Attached, Recording } from '@tasktree/devtools'
import { expect, test } from 'vitest'

/** A session that evaluates code in this process, as an inspector session does in its target. */
const here = {
  isClosed: false,
  evaluate: async (text: string) => runInThisContext(text) as unknown,
}

test(
  'a recorder whose command was killed stops by itself, and drops its events',
  { tags: 'slow' },
  async () => {
    const attached = { pid: 1, main: here, threads: [{ name: 'main', session: here }] }
    await run(async () => {
      const recording = new Recording(attached as unknown as Attached)
      await recording.start()
      expect(hasSubscribers('tasktree:task:create')).toBe(true)
      for (let i = 0; i < 300; i++) {
        for (let k = 0; k < 1_000; k++) void createTask(async () => {}, { name: 'short' })
        await sleep(0)
      }
      expect(hasSubscribers('tasktree:task:create')).toBe(false)
      await expect(recording.sample()).rejects.toThrow(/more than \d+ events between two looks/)
      await recording.stop()
    })
  },
)
