import {
  allTasks,
  createTask,
  currentTask,
  DeadlockError,
  formatTaskTree,
  Future,
  sleep,
} from '@tasktree/core'
import { Claim } from '@tasktree/core/lowlevel'
import { runVirtual } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { virtual } from './support/virtual.ts'

class Named extends Claim<void> {
  override describeWait(): string {
    return 'the thing'
  }
  protected claim(): void {}
  protected decline(): void {}
}

class Broken extends Named {
  override describeWait(): string {
    throw new Error('no words')
  }
}

const forever = (): Promise<void> => sleep(1e9).then(() => {})

virtual('formatTaskTree shows ten of 40,000 siblings and counts the others', async () => {
  for (let i = 0; i < 40_000; i++) createTask(forever, { name: `job ${i}` })
  await sleep(1)
  const lines = formatTaskTree().split('\n')
  expect(lines).toHaveLength(12)
  expect(lines[1]).toMatch(/^ ├─ job 0 {2}/)
  expect(lines[10]).toMatch(/^ ├─ job 9 {2}/)
  expect(lines[11]).toBe(' └─ … and 39,990 more')
})

virtual('formatTaskTree shows all of eleven siblings', async () => {
  for (let i = 0; i < 11; i++) createTask(forever, { name: `job ${i}` })
  await sleep(1)
  const lines = formatTaskTree().split('\n')
  expect(lines).toHaveLength(12)
  expect(lines[11]).toMatch(/^ └─ job 10 {2}/)
})

virtual('formatTaskTree also counts the tasks below the tasks that it leaves out', async () => {
  for (let i = 0; i < 20; i++) {
    createTask(async () => {
      for (let j = 0; j < 5; j++) createTask(forever)
      await forever()
    })
  }
  await sleep(1)
  expect(formatTaskTree().split('\n').at(-1)).toBe(' └─ … and 60 more')
})

virtual(
  'formatTaskTree shows the upper levels of a tree that is 20,000 tasks deep, and counts the others',
  async () => {
    const nest =
      (depth: number): (() => Promise<void>) =>
      async () => {
        if (depth > 0) createTask(nest(depth - 1))
        await forever()
      }
    createTask(nest(20_000))
    await sleep(10)
    const tree = formatTaskTree()
    expect(tree.split('\n')).toHaveLength(41)
    expect(tree.length).toBeLessThan(20_000)
    expect(tree).toMatch(/└─ … and 19,9\d\d more$/)
  },
)

virtual(
  'formatTaskTree cuts a wide and deep tree to 200 lines, and counts the other tasks',
  async () => {
    const nest =
      (depth: number): (() => Promise<void>) =>
      async () => {
        if (depth > 0) for (let i = 0; i < 12; i++) createTask(nest(depth - 1))
        await forever()
      }
    createTask(nest(4))
    await sleep(10)
    const lines = formatTaskTree().split('\n')
    expect(lines).toHaveLength(201)
    expect(lines.at(-1)).toMatch(/^… and [\d,]+ more$/)
  },
)

virtual(
  'formatTaskTree cuts a tree even if the last line that fits has tasks below it',
  async () => {
    const chain =
      (length: number): (() => Promise<void>) =>
      async () => {
        if (length > 1) createTask(chain(length - 1))
        await forever()
      }
    // With one of these lengths, the last line that fits into the output shows a task of the deepest level that is shown.
    for (let length = 1; length <= 41; length++) {
      const tasks = [length, 60, 60, 60, 60, 60, 60, 60, 60].map((each) => createTask(chain(each)))
      await sleep(100)
      const lines = formatTaskTree().split('\n')
      expect(lines.length).toBeLessThanOrEqual(202)
      expect(lines.at(-1)).toMatch(/^… and [\d,]+ more$/)
      for (const each of [...tasks, ...allTasks()]) if (each !== currentTask()) each.cancel()
      await sleep(1)
    }
  },
)

virtual(
  'formatTaskTree names the future if a task waits for a promise of its catch()',
  async () => {
    createTask(() => sleep(1).catch(() => {}), { name: 'sleeper' })
    createTask(() => new Named().catch(() => {}), { name: 'named' })
    createTask(() => new Broken(), { name: 'broken' })
    await sleep(0)
    const tree = formatTaskTree()
    expect(tree).toContain('sleeper  waiting on Sleep')
    expect(tree).toContain('named  waiting on the thing')
    expect(tree).toContain('broken  waiting on a future that cannot be described: Error: no words')
  },
)

virtual('formatTaskTree names five of the 1,000 futures that a task waits for', async () => {
  createTask(() => Promise.all(Array.from({ length: 1_000 }, () => new Future())))
  await sleep(1)
  expect(formatTaskTree()).toContain(
    'waiting on Future, Future, Future, Future, Future, … and 995 more',
  )
})

test('a DeadlockError for 8,000 tasks that each wait for the next has a short message', async () => {
  const nest = async (depth: number): Promise<unknown> =>
    depth === 0 ? new Future() : createTask(() => nest(depth - 1))
  const error: unknown = await runVirtual(() => nest(8_000)).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(DeadlockError)
  expect((error as Error).message.length).toBeLessThan(20_000)
})

test('formatTaskTree refuses wrong options', () => {
  expect(() => formatTaskTree(5 as never)).toThrow('the options must be an object, got number 5')
  expect(() => formatTaskTree({ loop: 5 as never })).toThrow(
    'the loop must be an EventLoop, got number 5',
  )
})
