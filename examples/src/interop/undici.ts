import { createTask, isCancelled, run, taskSignal } from '@tasktree/core'
import { request } from 'undici'
import { StallingServer } from './http/stalling-server.ts'

await run(async () => {
  await using server = await StallingServer.start()

  async function get(path: string): Promise<string> {
    const { body } = await request(server.origin + path, { signal: taskSignal() })
    return body.text()
  }

  console.log('client:', await get('/hello'))

  // The task is cancelled before there is an answer:
  const asking = createTask(() => get('/silent'))
  await server.asked.wait()
  asking.cancel()
  try {
    await asking
  } catch (error) {
    if (!isCancelled(error)) throw error
    console.log('client: the task was cancelled')
  }
  await server.deserted.wait()
  server.deserted.clear()

  // The task is cancelled in the middle of the answer:
  const reading = createTask(async () => {
    const { body } = await request(`${server.origin}/endless`, { signal: taskSignal() })
    for await (const chunk of body) if (String(chunk).startsWith('and')) reading.cancel()
  })
  try {
    await reading
  } catch (error) {
    if (!isCancelled(error)) throw error
    console.log('client: the task was cancelled')
  }
  await server.deserted.wait()
})
