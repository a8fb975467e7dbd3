import { run, sleep, TimeoutError, waitFor } from '@tasktree/core'

async function eternity(): Promise<void> {
  // Sleep for one hour
  await sleep(3_600_000)
  console.log('yay!')
}

await run(async () => {
  // Wait for at most 1 second
  try {
    await waitFor(eternity, 1000)
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    console.log('timeout!')
  }
})
