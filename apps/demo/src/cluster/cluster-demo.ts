import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gather, sleep, timeout } from '@tasktree/core'
import { type Cluster, connect, remoteJobs } from '@tasktree/nats'
import { createSubprocessExec, DEVNULL, PIPE, type Process } from '@tasktree/subprocess'
import { findNatsServer, howToInstall } from './find-nats-server.ts'
import { lostResults } from './lost-results.ts'

const jobCount = 120
const nodes = ['node-1', 'node-2', 'node-3']
const victim = 'node-2'
/** The time limit of the demo in milliseconds. The demo takes far less, so it reaches the limit only if it hangs. */
const longest = 60_000

interface Primes {
  count: (upTo: number) => Promise<string>
}
const { count } = remoteJobs<Primes>('primes')

/**
 * Starts nats-server and three nodes, gives the nodes work, kills one of them midway, and shows that no job was lost. Returns
 * the exit code.
 */
export async function showCluster(): Promise<number> {
  const server = findNatsServer()
  if (server === null) {
    console.error(howToInstall)
    return 1
  }
  const folder = await mkdtemp(join(tmpdir(), 'tasktree-cluster-'))
  try {
    return await timeout(longest, () => withServer(server, folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function withServer(program: string, folder: string): Promise<number> {
  const port = await freePort()
  const servers = `nats://127.0.0.1:${port}`
  const flags = ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)]
  await using _server = await createSubprocessExec(program, flags, {
    stdout: DEVNULL,
    stderr: DEVNULL,
  })
  await using cluster = await connect({
    servers,
    namespace: 'demo',
    node: 'you',
    waitOnFirstConnect: true,
    powerLossWarning: false,
  })
  console.log(`nats-server listens on ${servers}`)
  const started = await gather(nodes.map((name) => startNode(servers, name)))
  await using stack = new AsyncDisposableStack()
  for (const node of started) stack.use(node)
  console.log(`${nodes.join(', ')} are ready, each a process of its own`)
  // Awaited here, because what was opened above is closed on return.
  return await work(cluster, started)
}

async function startNode(servers: string, name: string): Promise<Process> {
  const program = fileURLToPath(new URL('./node.js', import.meta.url))
  const node = await createSubprocessExec(process.execPath, [program, servers, name], {
    stdout: PIPE,
  })
  await node.stdout?.readLine()
  return node
}

async function work(cluster: Cluster, started: readonly Process[]): Promise<number> {
  const executor = cluster.executor('demo')
  const limits = Array.from({ length: jobCount }, (_, i) => 10_000 + i)
  const jobs = limits.map((limit) => executor.submit(count, limit))
  // `gather` begins here and not where its result is needed: if the demo is cancelled before that, the failures of the
  // jobs still count as read, and are not reported.
  const ending = gather(jobs, { returnExceptions: true })
  await gather(jobs.map((job) => job.accepted))
  console.log(`${jobCount} jobs are accepted: from here on none may be lost`)
  while (executor.stats.completed < jobCount / 3) await sleep(10)
  started[nodes.indexOf(victim)]?.kill()
  console.log(
    `${executor.stats.completed} are done; ${victim} is killed, in the middle of its work`,
  )
  const outcomes = await ending
  for (const name of nodes) {
    const own = outcomes.filter((outcome) => String(outcome).startsWith(name)).length
    console.log(`  ${name} has done ${own}${name === victim ? ', before it was killed' : ''}`)
  }
  const lost = lostResults(limits, outcomes).length
  console.log(`${jobCount - lost} of ${jobCount} jobs have their result: ${lost} lost`)
  const { queues } = await cluster.snapshot()
  const { waiting = 0, running = 0 } = queues['demo'] ?? {}
  if (waiting + running > 0) console.log(`${waiting + running} jobs are left in the queue`)
  return lost + waiting + running === 0 ? 0 : 1
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
