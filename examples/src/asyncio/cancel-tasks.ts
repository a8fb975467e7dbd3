import { cancelTasks, newEventLoop, sleep } from '@tasktree/core'

async function obedient(): Promise<void> {
  try {
    await sleep(3_600_000)
  } finally {
    console.log('obedient: cleaned up')
  }
}

async function failing(): Promise<void> {
  try {
    await sleep(3_600_000)
  } catch (cause) {
    throw new Error('cleaning up failed', { cause })
  }
}

// This is plain code, outside of any task.
const loop = newEventLoop()
loop.setExceptionHandler((_loop, { task, exception }) => {
  console.log('handler heard:', task?.name, '-', (exception as Error).message)
})
const tasks = [
  loop.createTask(obedient, { name: 'obedient' }),
  loop.createTask(failing, { name: 'failing' }),
]
await loop.runUntilComplete(() => sleep(100))
await cancelTasks(tasks)
for (const task of tasks) console.log(task.name, 'cancelled?', task.cancelled())
loop.close()
