import { createTask, run, sleep, snapshot, why } from '@tasktree/core'
import { createSubprocessExec, PIPE } from '@tasktree/subprocess'
import { expect, test } from 'vitest'

test('why tells which child process a wait waits for, and which output a communicate reads', async () => {
  await run(async () => {
    await using child = await createSubprocessExec('sleep', ['60'], { stdout: PIPE })
    const waiting = createTask(async () => await child.wait(), { name: 'waiting' })
    const talking = createTask(async () => await child.communicate(), { name: 'talking' })
    await sleep(20)
    const exit = `waits for the exit of child process ${child.pid} (sleep 60)`
    expect(why(waiting)).toBe(`waiting ${exit}`)
    expect(why(talking)).toBe(
      `talking waits for 2 things at once: it waits for bytes of a stream (in read(), 0 bytes so far); and ${exit}`,
    )
    expect(snapshot()['processes']).toMatchObject([
      { pid: child.pid, command: 'sleep 60', state: 'running' },
    ])
    for (const task of [waiting, talking]) {
      task.cancel()
      await task.catch(() => {})
    }
  })
  expect(snapshot()['processes']).toEqual([])
})
