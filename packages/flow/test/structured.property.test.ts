import {
  allTasks,
  cancelScope,
  createTask,
  getEventLoop,
  isCancelled,
  run,
  sleep,
} from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { map, retry } from '@tasktree/flow'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Machine, type Program, program } from './support/programs.ts'

/** The time at which the program is cancelled, in milliseconds. */
const cancelAt = fc.nat({ max: 40 })

async function outcome(running: PromiseLike<unknown>): Promise<'value' | 'error' | 'cancel'> {
  try {
    await running
    return 'value'
  } catch (error) {
    return isCancelled(error) ? 'cancel' : 'error'
  }
}

async function check(program: Program, ms: number): Promise<void> {
  const machine = new Machine()
  const loop = getEventLoop()
  loop.setExceptionHandler(() => {})
  const before = allTasks(loop).size
  const running = createTask(() => machine.run(program, [machine.everything]))
  await sleep(ms)
  const isCut = running.cancel()
  const ended = await outcome(running)
  expect(machine.faults).toEqual([])
  expect(machine.everything.running).toBe(0)
  expect(allTasks(loop).size).toBe(before)
  // A cancelled program must not end with a value.
  if (isCut) expect(ended).not.toBe('value')
}

test(
  'random programs leave nothing running when they are cancelled in virtual time',
  { tags: ['slow'] },
  async () => {
    await fc.assert(
      fc.asyncProperty(program, cancelAt, (program, ms) => runVirtual(() => check(program, ms))),
      { numRuns: 2_000 },
    )
  },
)

test(
  'random programs leave nothing running when they are cancelled in real time',
  { tags: ['slow'] },
  async () => {
    await run(() =>
      fc.assert(
        fc.asyncProperty(program, cancelAt, (program, ms) => check(program, ms)),
        { numRuns: 60 },
      ),
    )
  },
)

test(
  'random programs in map and retry leave nothing running when their signal aborts in plain code',
  { tags: ['slow'] },
  async () => {
    await fc.assert(
      fc.asyncProperty(program, cancelAt, async (program, ms) => {
        const machine = new Machine()
        getEventLoop().setExceptionHandler(() => {})
        const controller = new AbortController()
        const { signal } = controller
        const timer = setTimeout(() => controller.abort(), ms)
        const running = [
          map([program, program], (each) => machine.run(each, [machine.everything]), { signal }),
          retry(() => machine.run(program, [machine.everything]), { signal }),
        ]
        await Promise.allSettled(running)
        clearTimeout(timer)
        getEventLoop().setExceptionHandler(null)
        expect(machine.faults).toEqual([])
        expect(machine.everything.running).toBe(0)
      }),
      { numRuns: 60 },
    )
  },
)

test(
  'random programs leave nothing running when the scope around them is cancelled',
  { tags: ['slow'] },
  async () => {
    await fc.assert(
      fc.asyncProperty(program, cancelAt, (program, ms) =>
        runVirtual(async () => {
          const machine = new Machine()
          const loop = getEventLoop()
          loop.setExceptionHandler(() => {})
          const before = allTasks(loop).size
          const running = cancelScope(() => machine.run(program, [machine.everything]), {
            timeout: ms,
          })
          await outcome(running)
          expect(machine.faults).toEqual([])
          expect(machine.everything.running).toBe(0)
          expect(allTasks(loop).size).toBe(before)
        }),
      ),
      { numRuns: 2_000 },
    )
  },
)
