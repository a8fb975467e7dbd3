import { gather, run, sleep } from '@tasktree/core'

async function factorial(name: string, number: number): Promise<void> {
  let f = 1
  for (let i = 2; i <= number; i++) {
    console.log(`Task ${name}: Compute factorial(${i})...`)
    await sleep(1000)
    f *= i
  }
  console.log(`Task ${name}: factorial(${number}) = ${f}`)
}

await run(async () => {
  // Schedule three calls *concurrently*:
  await gather([() => factorial('A', 2), () => factorial('B', 3), () => factorial('C', 4)])
})
