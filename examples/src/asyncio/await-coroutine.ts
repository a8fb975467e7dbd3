import { getEventLoop, sleep } from '@tasktree/core'

async function add(a: number, b: number): Promise<number> {
  console.log(`add: ${a} + ${b}`)
  await sleep(1000)
  return a + b
}

async function printAdd(a: number, b: number): Promise<void> {
  const result = await add(a, b) // `add` runs in the same task, so a cancel of the task reaches the sleep in it
  console.log(`print_add: ${a} + ${b} = ${result}`)
}

const loop = getEventLoop()
await loop.runUntilComplete(() => printAdd(1, 2))
loop.close()
