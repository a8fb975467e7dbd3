import { ActorSystem, type ChildSpec, silentLogger } from '@tasktree/actor'
import { run } from '@tasktree/core'
import { type Cluster, type ClusterOptions, clusterTree } from '@tasktree/nats'

/** Runs `body` beside a tree of one cluster handle and what `children` makes for it. */
export function inTree<T>(
  options: ClusterOptions,
  children: (cluster: Cluster) => ChildSpec[],
  body: (cluster: Cluster, system: ActorSystem) => Promise<T>,
): Promise<T> {
  return run(async () => {
    let handle!: Cluster
    const spec = clusterTree('tree', { powerLossWarning: false, ...options }, (cluster) => {
      handle = cluster
      return children(cluster)
    })
    await using system = await ActorSystem.start({
      name: 'test',
      logger: process.env['LOUD'] ? console : silentLogger,
      children: [spec],
    })
    return await body(handle, system)
  })
}

/**
 * Waits until `isSo`, which is looked at every few milliseconds. The test fails after `patience` milliseconds: only what hangs
 * takes that long, even if other programs leave this one a tenth of a core.
 */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  patience = 60_000,
): Promise<void> {
  const giveUp = performance.now() + patience
  while (!(await isSo())) {
    if (performance.now() > giveUp) throw new Error(`${what} did not happen in ${patience} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
