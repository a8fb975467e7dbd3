import { getEventLoop } from '@tasktree/core'

async function hello(): Promise<void> {
  console.log('Hello, world!')
}

const loop = getEventLoop()
await loop.runUntilComplete(hello) // waits until hello has ended
loop.close()
