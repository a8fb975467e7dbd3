// test/typescript.test.ts compiles this file with every supported version of TypeScript against the built declarations.
import {
  asCompleted,
  createTask,
  type Future,
  gather,
  run,
  sleep,
  type Task,
  taskGroup,
  timeout,
} from '@tasktree/core'
import { Channel, Lock, Queue } from '@tasktree/sync'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function check<_T extends true>(): void {}

export async function program(): Promise<void> {
  const task = createTask(async () => 1)
  check<Equal<typeof task, Task<number>>>()
  const results = await gather([async () => 1, sleep(1, 'x'), task])
  check<Equal<typeof results, [number, string, number]>>()
  const maybe = await gather([async () => 1], { returnExceptions: Math.random() > 0.5 })
  check<Equal<typeof maybe, [number | Error]>>()
  for await (const either of asCompleted([task, createTask(async () => 'x')])) {
    check<Equal<typeof either, number | string>>()
  }
  const lock = new Lock({ name: 'db' })
  const value = await lock.runExclusive(() => timeout(10, async () => 5))
  check<Equal<typeof value, number>>()
  await taskGroup(async (group) => {
    const queue = new Queue<string>({ maxsize: 1 })
    group.createTask(() => queue.put('x'))
    const item = await queue.get()
    check<Equal<typeof item, string>>()
  })
  for await (const item of new Channel<number>({ capacity: 0 })) {
    check<Equal<typeof item, number>>()
  }
  const future: Future<number> = task
  const promise: Promise<number> = future
  await promise.catch((error: Error) => error.message)
  await task.catch((error: Error) => error.message)
}

await run(program)
