// A million tasks that sleep a second or two. Run: node core/sleepers.ts
import { createTask, gather, run, sleep } from '@tasktree/core'

const sleepers = 1_000_000
const start = performance.now()
let woken = 0
await run(async () => {
  const tasks = Array.from({ length: sleepers }, (_, i) =>
    createTask(async () => {
      await sleep(1_000 + (i % 1_000))
      woken++
    }),
  )
  await gather(tasks)
})
if (woken !== sleepers) throw new Error(`only ${woken} woke`)
const seconds = (performance.now() - start) / 1_000
const gigabytes = (process.resourceUsage().maxRSS * 1_024) / 1e9
process.stdout.write(`a million sleepers: ${seconds.toFixed(2)} s, ${gigabytes.toFixed(2)} GB\n`)
