// Runs a million tasks that each sleep for one to two seconds, as async functions or as generator coroutines.
// Run: node core/sleepers.ts [generators]
import { type CoroutineGenerator, createTask, gather, run, sleep } from '@tasktree/core'

const sleepers = 1_000_000
const kind = process.argv[2] === 'generators' ? 'generators' : 'async functions'
let woken = 0

async function sleepAsync(ms: number): Promise<void> {
  await sleep(ms)
  woken++
}

function* sleepGenerator(ms: number): CoroutineGenerator<void> {
  yield* sleep(ms)
  woken++
}

const sleeper = kind === 'generators' ? sleepGenerator : sleepAsync
const start = performance.now()
await run(async () => {
  const tasks = Array.from({ length: sleepers }, (_, i) =>
    createTask(() => sleeper(1_000 + (i % 1_000))),
  )
  await gather(tasks)
})
if (woken !== sleepers) throw new Error(`only ${woken} woke`)
const seconds = (performance.now() - start) / 1_000
const gigabytes = (process.resourceUsage().maxRSS * 1_024) / 1e9
process.stdout.write(
  `a million sleepers, ${kind}: ${seconds.toFixed(2)} s, ${gigabytes.toFixed(2)} GB\n`,
)
