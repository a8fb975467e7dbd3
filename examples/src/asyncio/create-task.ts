import { createTask, run } from '@tasktree/core'

async function coro(): Promise<string> {
  console.log('coro() runs')
  return 'a result'
}

await run(async () => {
  const task = createTask(coro)
  console.log('created')
  console.log(await task)
})
