import { createTask, run, sleep } from '@tasktree/core'
import { toThread } from '@tasktree/executor'

function blockingIo(): string {
  const never = new Int32Array(new SharedArrayBuffer(4))
  Atomics.wait(never, 0, 0, 2000) // blocks only the thread in which this function runs
  return 'blocking_io complete'
}

async function ticks(count: number): Promise<string> {
  for (let i = 0; i < count; i++) await sleep(10)
  return `${count} ticks meanwhile`
}

await run(async () => {
  console.log('started main')
  const ticking = createTask(() => ticks(5))
  const blocking = toThread(blockingIo)
  console.log(await ticking)
  console.log('blocking_io done?', blocking.done())
  console.log(await blocking)
})
