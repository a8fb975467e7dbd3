import { createTask, gather, run, sleep } from '@tasktree/core'
import { BoundedSemaphore, Condition, Event, Lock, Semaphore } from '@tasktree/sync'

async function waiter(name: string, event: Event, lock: Lock): Promise<void> {
  await event.wait()
  using _ = await lock.acquire() // the lock is released at the end of this block, even if it throws
  console.log(name, 'holds the lock')
  await sleep(0)
}

async function consumer(condition: Condition, items: string[]): Promise<void> {
  using _ = await condition.acquire()
  await condition.waitFor(() => items.length > 0)
  console.log('condition: got', items.pop())
}

await run(async () => {
  const event = new Event()
  const lock = new Lock()
  const tasks = ['one', 'two'].map((name) => createTask(() => waiter(name, event, lock)))
  await sleep(0)
  console.log('event set?', event.isSet())
  event.set()
  await gather(tasks)
  event.clear() // an event stays set until it is cleared, unlike an auto-reset event of Windows
  console.log('event set?', event.isSet())

  const condition = new Condition()
  const items: string[] = []
  const consuming = createTask(() => consumer(condition, items))
  await sleep(0)
  await condition.runExclusive(() => {
    items.push('an item')
    condition.notify()
  })
  await consuming

  const semaphore = new Semaphore(2)
  await semaphore.acquire()
  await semaphore.acquire()
  console.log('semaphore locked?', semaphore.locked())
  semaphore.release()
  console.log('semaphore locked?', semaphore.locked())

  const bounded = new BoundedSemaphore(1)
  try {
    bounded.release()
  } catch (error) {
    if (error instanceof RangeError) console.log('bounded semaphore: released too many times')
  }
})
