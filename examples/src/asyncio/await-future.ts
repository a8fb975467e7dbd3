import { getRunningLoop, run } from '@tasktree/core'

await run(async () => {
  const loop = getRunningLoop()
  const future = loop.createFuture<number>()
  loop.callLater(100, () => future.setResult(42))
  console.log('done before:', future.done())
  const result = await future
  console.log('result:', result)
  console.log('done after:', future.done())
})
