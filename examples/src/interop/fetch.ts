import { createTask, isCancelled, run, taskSignal, timeout, TimeoutError } from '@tasktree/core'
import { StallingServer } from './http/stalling-server.ts'

/** Needs no signal from its caller, because it uses the signal of the task in which it runs. */
async function get(url: string): Promise<string> {
  const response = await fetch(url, { signal: taskSignal() })
  return response.text()
}

await run(async () => {
  await using server = await StallingServer.start()

  console.log('client:', await get(`${server.origin}/hello`))

  // The task is cancelled before there is an answer:
  const task = createTask(() => get(`${server.origin}/silent`))
  await server.asked.wait()
  task.cancel()
  try {
    await task
  } catch (error) {
    if (!isCancelled(error)) throw error
    console.log('client: the task was cancelled')
  }
  await server.deserted.wait()
  server.deserted.clear()

  // The time runs out in the middle of the answer:
  try {
    await timeout(500, () => get(`${server.origin}/endless`))
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error
    console.log('client: out of time')
  }
  await server.deserted.wait()
})
