import { getEventLoop, sleep } from '@tasktree/core'

class AsyncCounter implements AsyncIterableIterator<number> {
  #current = 0
  readonly #stop: number

  constructor(stop: number) {
    this.#stop = stop
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<number>> {
    if (this.#current === this.#stop) return { done: true, value: undefined }
    await sleep(1000)
    return { done: false, value: this.#current++ }
  }
}

async function main(): Promise<void> {
  for await (const i of new AsyncCounter(3)) process.stdout.write(`${i} `)
}

const loop = getEventLoop()
await loop.runUntilComplete(main)
loop.close()
