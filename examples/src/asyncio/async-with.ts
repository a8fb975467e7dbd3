import { getEventLoop, sleep } from '@tasktree/core'

class AsyncAdd implements AsyncDisposable {
  readonly result: number

  private constructor(result: number) {
    this.result = result
  }

  /** Does what `__aenter__` does in Python. */
  static async enter(a: number, b: number): Promise<AsyncAdd> {
    await sleep(1000)
    return new AsyncAdd(a + b)
  }

  /** Does what `__aexit__` does in Python. */
  async [Symbol.asyncDispose](): Promise<void> {}
}

async function main(): Promise<void> {
  await using added = await AsyncAdd.enter(1, 2)
  console.log(added.result) // 3
}

const loop = getEventLoop()
await loop.runUntilComplete(main)
loop.close()
