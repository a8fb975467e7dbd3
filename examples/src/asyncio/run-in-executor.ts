import { run } from '@tasktree/core'
import { ProcessPoolExecutor, runInExecutor, ThreadPoolExecutor } from '@tasktree/executor'

function blockingIo(): Uint8Array {
  // Reading like this blocks the thread, so it should run in a thread pool. The pool sends the source
  // of this function to a worker. There it cannot use the imports of this module, so it loads node:fs.
  const { closeSync, openSync, readSync } = process.getBuiltinModule('node:fs')
  const file = openSync('/dev/urandom', 'r')
  const bytes = new Uint8Array(100)
  readSync(file, bytes)
  closeSync(file)
  return bytes
}

function cpuBound(): bigint {
  // CPU-bound work would block the event loop. A thread and a process can both run it beside the loop.
  let sum = 0n
  for (let i = 0; i < 10 ** 7; i++) sum += BigInt(i * i)
  return sum
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

await run(async () => {
  // Options:

  // 1. Run in the process's default thread pool:
  console.log('default thread pool', hex(await runInExecutor(null, blockingIo)))

  // 2. Run in a custom thread pool:
  {
    await using pool = new ThreadPoolExecutor()
    console.log('custom thread pool', hex(await runInExecutor(pool, blockingIo)))
  }

  // 3. Run in a custom process pool:
  {
    await using pool = new ProcessPoolExecutor()
    console.log('custom process pool', String(await runInExecutor(pool, cpuBound)))
  }
})
