import { createTask, isCancelled, run as runLoop, timeout } from '@tasktree/core'
import { createSubprocessExec, run } from '@tasktree/subprocess'
import { expect, test } from 'vitest'
import { outcomeOf, record } from './support/recording.ts'

test('a child process has a span with its exit code under the span of the task that started it', async () => {
  const recording = await record(() =>
    runLoop(async () => {
      await createTask(() => run('sh', ['-c', 'exit 0']), { name: 'good' })
      await createTask(() => run('/bin/sh', ['-c', 'exit 3'], { check: false }), { name: 'bad' })
      const killed = createTask(() => run('sh', ['-c', 'kill -9 $$'], { check: false }), {
        name: 'killed',
      })
      await killed
    }),
  )
  expect(recording.tree()).toEqual(['good', '  sh', 'bad', '  sh', 'killed', '  sh'])
  const processes = recording.spans.filter(({ name }) => name === 'sh')
  expect(processes.map((span) => [span.attributes['process.exit.code'], outcomeOf(span)])).toEqual([
    [0, 'UNSET'],
    [3, 'ERROR 3'],
    [-9, 'ERROR -9'],
  ])
  expect(processes[0]?.attributes).toMatchObject({ 'process.executable.name': 'sh' })
  expect(processes[0]?.attributes['process.pid']).toBeTypeOf('number')
})

test('the span of a process that the program has killed is marked as cancelled, without an error', async () => {
  const recording = await record(() =>
    runLoop(async () => {
      const cancelled = createTask(async () => {
        await using child = await createSubprocessExec('sleep', ['60'])
        running()
        await child.wait()
      })
      await begun
      cancelled.cancel()
      await cancelled.catch(isCancelled)
      await timeout(1, () => run('sleep', ['61'])).catch(() => {})
    }),
  )
  const outcomes = recording.spans.filter(({ name }) => name === 'sleep').map(outcomeOf)
  expect(outcomes).toContain('UNSET cancelled')
  expect(new Set(outcomes)).toEqual(new Set(['UNSET cancelled']))
})

const { promise: begun, resolve: running } = Promise.withResolvers<void>()
