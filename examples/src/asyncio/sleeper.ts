import { createTask, gather, run, sleep, Sleeper } from '@tasktree/core'

await run(async () => {
  const sleeper = new Sleeper<string>()

  const nap = async (key: string, ms: number): Promise<void> => {
    console.log(`${key} woke up with`, await sleeper.sleep(key, ms, `dream of ${key}`))
  }

  const naps = ['first', 'second', 'third'].map((key) => createTask(() => nap(key, 3_600_000)))
  await sleep(100)
  sleeper.cancel('second')
  await naps[1]
  sleeper.cancelAll()
  await gather(naps)
  await nap('short', 100)
})
