import { run } from '@tasktree/core'

async function hello(): Promise<void> {
  console.log('Hello, world!')
}

await run(hello)
