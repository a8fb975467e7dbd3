// Tests that a cancel reaches what a task awaits, in many forms, that `finally` blocks run, and that other tasks end by
// themselves.
import assert from 'node:assert/strict'
import {
  CancelledError,
  ContextVar,
  createTask,
  ensureFuture,
  gather,
  run,
  sleep,
  taskGroup,
  taskSignal,
  timeout,
  TimeoutError,
} from '../../packages/core/dist/index.js'
import { runVirtual } from '../../packages/core/dist/testing.js'

/** Runs `body` in a task, cancels the task while it waits, and returns the steps that `body` has logged. */
async function cancelled(body) {
  const steps = []
  const task = createTask(() => body(steps))
  await sleep(5)
  task.cancel()
  await assert.rejects(async () => task, CancelledError)
  assert.equal(task.cancelled(), true)
  return steps
}

async function sleepAndLog(steps, name) {
  try {
    await sleep(60_000)
  } finally {
    await sleep(1)
    steps.push(name)
  }
}

await run(async () => {
  assert.equal(await sleep(1, 'woken'), 'woken')

  const nested = async (steps) => sleepAndLog(steps, 'nested')
  assert.deepEqual(await cancelled(nested), ['nested'])

  // Promise.all rejects as soon as one branch has failed. So the clean-up of these branches takes no time, and both have logged
  // their step by then.
  const branch = async (steps, name) => {
    try {
      await sleep(60_000)
    } finally {
      steps.push(name)
    }
  }
  const all = (steps) => Promise.all([branch(steps, 'a'), branch(steps, 'b')])
  assert.deepEqual(await cancelled(all), ['a', 'b'])

  const iteration = async (steps) => {
    async function* numbers() {
      yield 1
      await sleepAndLog(steps, 'closed')
    }
    for await (const n of numbers()) steps.push(n)
  }
  assert.deepEqual(await cancelled(iteration), [1, 'closed'])

  const throughNative = async (steps) => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    steps.push('native done')
    await sleep(60_000)
    steps.push('not reached')
  }
  assert.deepEqual(await cancelled(throughNative), ['native done'])

  const abandoned = async (steps) => {
    try {
      await ensureFuture(new Promise(() => {}))
    } finally {
      steps.push('abandoned')
    }
  }
  assert.deepEqual(await cancelled(abandoned), ['abandoned'])

  const signalled = async (steps) => {
    const signal = taskSignal()
    await new Promise((_, reject) => {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is a CancelledError
      signal.addEventListener('abort', () => reject(signal.reason))
    }).finally(() => steps.push('aborted'))
  }
  assert.deepEqual(await cancelled(signalled), ['aborted'])

  await assert.rejects(
    timeout(5, () => sleep(60_000)),
    TimeoutError,
  )
  assert.deepEqual(await gather([async () => 1, sleep(1, 2)]), [1, 2])
  await assert.rejects(
    taskGroup(async (group) => {
      group.createTask(() => sleep(60_000))
      throw new Error('in the body')
    }),
    { name: 'ExceptionGroup' },
  )
  const variable = new ContextVar('variable', { default: 'outer' })
  await createTask(async () => {
    variable.set('inner')
    await sleep(1)
    assert.equal(variable.get(), 'inner')
  })
  assert.equal(variable.get(), 'outer')
})

await runVirtual(() => sleep(86_400_000))
