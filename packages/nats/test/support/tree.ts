import { ActorSystem, type ChildSpec, silentLogger } from '@tasktree/actor'
import { run } from '@tasktree/core'
import { type Cluster, type ClusterOptions, clusterTree } from '@tasktree/nats'

/** Runs `body` in an actor system with one `clusterTree`, which has the children that `children` returns. */
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
 * Calls `isSo` every few milliseconds until it returns true. It throws after `patience` milliseconds. Only code that hangs takes
 * that long, even if the machine gives it only a tenth of a core.
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
