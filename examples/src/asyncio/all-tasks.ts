import {
  allTasks,
  createTask,
  currentTask,
  getRunningLoop,
  run,
  sleep,
  type Task,
} from '@tasktree/core'

function names(tasks: Iterable<Task>): string {
  return Array.from(tasks, (task) => task.name)
    .toSorted()
    .join(', ')
}

await run(async () => {
  const loop = getRunningLoop()
  currentTask()!.name = 'main'
  const short = createTask(() => sleep(0), { name: 'short' })
  const long = createTask(() => sleep(3_600_000), { name: 'long' })
  console.log(names(allTasks(loop)))
  await short
  console.log(names(allTasks(loop)))
  long.cancel()
})
