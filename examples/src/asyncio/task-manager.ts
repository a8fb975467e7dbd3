import { run, RuntimeError, sleep, TaskManager, wait } from '@tasktree/core'

async function forever(name: string): Promise<void> {
  try {
    await sleep(3_600_000)
  } finally {
    console.log(name, 'cleaned up')
  }
}

async function badly(): Promise<void> {
  await sleep(100)
  throw new Error('out of luck')
}

await run(async () => {
  await using manager = new TaskManager({
    onError: (error, name) => console.log(`${name} failed: ${(error as Error).message}`),
  })
  manager.create('poller', () => forever('poller'))
  manager.create('cache', () => forever('cache'))
  const brief = manager.create('brief', () => sleep(100))
  const bad = manager.create('bad', badly)
  try {
    manager.create('poller', () => forever('poller'))
  } catch (error) {
    if (error instanceof RuntimeError) console.log('a second poller is refused')
  }
  await wait([brief, bad])
  console.log('cancelled poller?', await manager.cancel('poller'))
  console.log('cancelled brief?', await manager.cancel('brief'))
  for (const { name, state } of manager.list()) console.log(`${name}: ${state}`)
})
