// A worker process of throughput.ts. Run: node worker.ts nats|bullmq PORT
import { ActorSystem, silentLogger } from '@tasktree/actor'
import { runMain } from '@tasktree/core'
import { clusterTree } from '@tasktree/nats'
import { Worker } from 'bullmq'

const [, , kind, port = ''] = process.argv
const concurrency = 50

if (kind === 'bullmq') {
  const worker = new Worker('q', async (job) => (job.data as number) + 1, {
    connection: { host: '127.0.0.1', port: Number(port) },
    concurrency,
  })
  await worker.waitUntilReady()
  console.log('ready')
} else {
  await runMain(async () => {
    const system = await ActorSystem.start({
      name: 'worker',
      logger: silentLogger,
      children: [
        clusterTree(
          'tree',
          { servers: `nats://127.0.0.1:${port}`, powerLossWarning: false },
          (cluster) => [
            cluster.worker('q', { home: { next: (n: number) => n + 1 } }, { concurrency }),
          ],
        ),
      ],
    })
    console.log('ready')
    await system.done
  })
}
