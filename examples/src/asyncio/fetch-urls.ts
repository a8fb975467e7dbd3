import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTask, getRunningLoop, run, taskSignal, wait } from '@tasktree/core'

const bodies: Record<string, [delay: number, body: string]> = {
  '/slow': [900, 'the slow one'],
  '/quick': [100, 'the quick one'],
  '/medium': [500, 'in between'],
}

const server = createServer((request, response) => {
  const [delay, body] = bodies[request.url!]!
  getRunningLoop().callLater(delay, () => response.end(body))
})

async function callUrl(url: string): Promise<string> {
  console.log(`Starting ${url}`)
  const response = await fetch(url, { signal: taskSignal() })
  const data = await response.text()
  console.log(`${url}: ${data.length} bytes: ${data}`)
  return data
}

await run(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const urls = Object.keys(bodies).map((path) => `http://127.0.0.1:${port}${path}`)
  await wait(urls.map((url) => createTask(() => callUrl(url))))
  server.close()
})
