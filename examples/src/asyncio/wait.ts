import {
  ALL_COMPLETED,
  createTask,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  gather,
  run,
  sleep,
  type Task,
  wait,
} from '@tasktree/core'

async function succeed(name: string, ms: number): Promise<string> {
  await sleep(ms)
  return name
}

async function fail(ms: number): Promise<string> {
  await sleep(ms)
  throw new Error('no luck')
}

function names(tasks: Iterable<Task>): string {
  return Array.from(tasks, (task) => task.name)
    .toSorted()
    .join(', ')
}

async function show(
  returnWhen: typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED,
): Promise<void> {
  const tasks = [
    createTask(() => succeed('quick', 0), { name: 'quick' }),
    createTask(() => fail(1000), { name: 'failing' }),
    createTask(() => succeed('slow', 2000), { name: 'slow' }),
  ]
  const { done, pending } = await wait(tasks, { returnWhen })
  console.log(returnWhen)
  console.log('  done:', names(done))
  console.log('  pending:', names(pending) || 'none')
  for (const task of pending) task.cancel()
  await gather(tasks, { returnExceptions: true })
}

await run(async () => {
  await show(FIRST_COMPLETED)
  await show(FIRST_EXCEPTION)
  await show(ALL_COMPLETED)
})
