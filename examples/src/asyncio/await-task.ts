import { createTask, run, sleep } from '@tasktree/core'

async function add(a: number, b: number): Promise<number> {
  console.log(`add: ${a} + ${b}`)
  await sleep(100)
  return a + b
}

await run(async () => {
  const task = createTask(() => add(1, 2), { name: 'adder' })
  console.log('main: created', task.name)
  const result = await task
  console.log('main: 1 + 2 =', result)
})
