import { type Future, getRunningLoop, run, sleep } from '@tasktree/core'

function report(prefix: string, future: Future<string>): void {
  console.log(prefix, future.result())
}

await run(async () => {
  const future = getRunningLoop().createFuture<string>()
  // Call `report('Future:', future)` when `future` is done.
  future.addDoneCallback((done) => report('Future:', done))
  future.setResult('the result')
  console.log('set') // the callback has not run yet: it runs in the loop's next turn
  await future
  await sleep(0)
})
