import { ensureFuture, run } from '@tasktree/core'

async function coro(): Promise<string> {
  console.log('coro() runs')
  return 'a result'
}

await run(async () => {
  const future = ensureFuture(coro)
  console.log('created')
  console.log(await future)
  console.log('a future is left as it is:', ensureFuture(future) === future)
})
