import { createTask, isCancelled, run, sleep } from '@tasktree/core'
import { serve } from '@tasktree/http'
import { createSubprocessExec, PIPE } from '@tasktree/subprocess'
import { Event } from '@tasktree/sync'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'

const started = new Event()
const ended = new Event()
const pids: number[] = []

/** Runs a build that takes an hour: a shell with two children. At the end of this function all three processes are killed. */
async function build(): Promise<string> {
  const script = 'sleep 3600 & echo $!; sleep 3600 & echo $!; wait'
  await using shell = await createSubprocessExec('sh', ['-c', script], { stdout: PIPE })
  try {
    pids.push(shell.pid)
    for (let i = 0; i < 2; i++) pids.push(Number(await shell.stdout?.readLine()))
    started.set()
    await shell.wait()
    return 'built'
  } finally {
    console.log('server: the cancel has arrived')
    ended.set()
  }
}

const tools = new McpServer({ name: 'builder', version: '1.0.0' })
tools.registerTool('build', { description: 'builds everything' }, async ({ signal }) => {
  // When the client cancels the call, the SDK aborts the signal. This cancels the task, which ends its processes.
  const text = await createTask(build, { name: 'build', signal })
  return { content: [{ type: 'text', text }] }
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

await run(async () => {
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => 'the only session',
  })
  await tools.connect(transport)
  await using server = await serve((request) => transport.handleRequest(request), { grace: 0 })

  const client = new Client({ name: 'agent', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(server.url)))
  const user = new AbortController()
  const call = client.callTool({ name: 'build' }, undefined, { signal: user.signal })
  await started.wait()
  console.log(`server: ${pids.filter(isAlive).length} processes run`)

  user.abort('the user has changed their mind')
  await call.catch((error) => {
    if (isCancelled(error)) throw error
    console.log('client: the call was cancelled')
  })
  await ended.wait()
  while (pids.some(isAlive)) await sleep(10)
  console.log('server: no process is left')
  await client.close()
  await tools.close()
})
