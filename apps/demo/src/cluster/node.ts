// One node of the cluster demo: `node.js SERVERS NAME`.
import { ActorSystem, silentLogger } from '@tasktree/actor'
import { runMain, sleep } from '@tasktree/core'
import { clusterTree } from '@tasktree/nats'

const [, , servers = '', name = ''] = process.argv

const primes = {
  count: async (upTo: number): Promise<string> => {
    await sleep(60)
    let found = 0
    for (let n = 2; n < upTo; n++) if (isPrime(n)) found++
    return `${name} found ${found}`
  },
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return true
}

await runMain(async () => {
  const system = await ActorSystem.start({
    name,
    logger: silentLogger,
    children: [
      clusterTree(
        'cluster',
        { servers, node: name, namespace: 'demo', powerLossWarning: false },
        (cluster) => [cluster.worker('demo', { primes }, { concurrency: 4, ackWait: 1_000 })],
      ),
    ],
  })
  console.log('ready')
  await system.done
})
