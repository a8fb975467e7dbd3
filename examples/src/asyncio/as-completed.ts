import { asCompleted, run, sleep } from '@tasktree/core'

async function after(ms: number, name: string): Promise<string> {
  await sleep(ms)
  return name
}

await run(async () => {
  const coros = [() => after(900, 'third'), () => after(100, 'first'), () => after(500, 'second')]
  for await (const name of asCompleted(coros)) console.log(name)
})
