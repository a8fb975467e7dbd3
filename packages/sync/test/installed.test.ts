import { expect, test } from 'vitest'
import { checkTypes, execute, installApp } from '../../../vitest.installed.ts'

// A program of an app: two tasks take turns with one lock.
const program = `
import { createTask, gather, run, sleep } from '@tasktree/core'
import { Lock } from '@tasktree/sync'

const order: string[] = []
const lock: Lock = new Lock()
async function worker(name: string): Promise<void> {
  await lock.acquire()
  order.push(name)
  await sleep(1)
  lock.release()
}
await run(async () => {
  await gather([createTask(() => worker('first')), createTask(() => worker('second'))])
})
console.log(order.join(' '))
`

test(
  'an app that installs only the packed core and sync runs and type-checks',
  { tags: ['slow'] },
  async () => {
    const app = await installApp(['core', 'sync'], program)
    expect(await execute(app, process.execPath, 'main.ts')).toBe('first second\n')
    await checkTypes(app)
  },
)
