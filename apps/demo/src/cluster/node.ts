// One node of the cluster demo: `node.js SERVERS NAME`.
import { ActorSystem, silentLogger } from '@tasktree/actor'
import { runMain, sleep } from '@tasktree/core'
import { clusterTree } from '@tasktree/nats'
import { countPrimes } from './count-primes.ts'

const [, , servers = '', name = ''] = process.argv

const primes = {
  count: async (upTo: number): Promise<string> => {
    await sleep(60)
    return `${name} found ${countPrimes(upTo)}`
  },
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
