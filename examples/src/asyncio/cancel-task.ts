import { createTask, isCancelled, run, sleep } from '@tasktree/core'

async function cancelMe(): Promise<void> {
  console.log('cancel_me(): before sleep')

  try {
    // Wait for 1 hour
    await sleep(3_600_000)
  } catch (error) {
    if (isCancelled(error)) console.log('cancel_me(): cancel sleep')
    throw error
  } finally {
    console.log('cancel_me(): after sleep')
  }
}

await run(async () => {
  // Create a "cancelMe" Task
  const task = createTask(cancelMe)

  // Wait for 1 second
  await sleep(1000)

  task.cancel()
  try {
    await task
  } catch (error) {
    if (!isCancelled(error)) throw error
    console.log('main(): cancel_me is cancelled now')
  }
})
