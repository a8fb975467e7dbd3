import { ContextVar, copyContext, type Future, getRunningLoop, run, sleep } from '@tasktree/core'

const user = new ContextVar('user', { default: 'nobody' })

function report(future: Future<string>): void {
  console.log(`${future.result()} is seen by ${user.get()}`)
}

await run(async () => {
  user.set('alice')
  const other = copyContext()
  other.run(() => user.set('bob'))

  const future = getRunningLoop().createFuture<string>()
  future.addDoneCallback(report)
  future.addDoneCallback(report, { context: other })
  // This changes nothing for the callbacks: the first runs in the context in which it was added, and the second in `other`.
  user.set('carol')
  future.setResult('a result')
  await future
  await sleep(0)
})
