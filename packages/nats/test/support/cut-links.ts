import { setTimeout as delay } from 'node:timers/promises'
import { describe, test } from 'vitest'
import { makeLogFile } from './log-file.ts'
import { findObstacle, Host } from './network.ts'
import { type Node, startNode } from './node.ts'
import { NatsServer, skipEach, withoutServer } from './server.ts'

const obstacle = withoutServer || findObstacle()

/** Whether the environment variable TASKTREE_NATS_LONG asks for the long version of the tests. */
export const isLong: boolean = process.env['TASKTREE_NATS_LONG'] === '1'
/** The option `pingInterval` of the nodes. In the short version a cut link is noticed sooner. */
export const pingInterval: number = isLong ? 2_000 : 250

const cuts = [
  ['to the host', ['to the host']],
  ['from the host', ['from the host']],
  ['both ways', ['to the host', 'from the host']],
] as const

/** Two hosts, each linked to the server of a cluster with the namespace `cut`. */
export interface LinkedHosts {
  /** The direction in which the link is cut, in words. */
  readonly name: string
  readonly near: Host
  readonly far: Host
  /** How a client that runs on neither host reaches the cluster. */
  readonly options: { readonly servers: string; readonly namespace: string }
  /** The file in which the nodes write what they do. */
  readonly log: string
  /** Starts a node of the cluster on a host. */
  readonly start: (host: Host, role: string, options: object) => Promise<Node>
  /** Cuts the link of a host, and restores it after `time` milliseconds. */
  readonly cutFor: (host: Host, time: number) => Promise<void>
}

/** Defines a test with `body` for each direction in which a link can be cut. Its name replaces `%s` in `title`. */
export function testCutLinks(
  group: string,
  title: string,
  body: (hosts: LinkedHosts) => Promise<void>,
): void {
  // oxlint-disable-next-line vitest/valid-title -- the caller passes the title
  describe(group, () => {
    skipEach(obstacle)
    // oxlint-disable-next-line vitest/valid-title -- the caller passes the title
    test.each(cuts)(title, { tags: 'slow', timeout: 120_000 }, async (name, directions) => {
      using near = new Host()
      using far = new Host()
      await using server = await NatsServer.start(['-js'], '0.0.0.0')
      const log = makeLogFile()
      await body({
        name,
        near,
        far,
        options: { servers: server.url, namespace: 'cut' },
        log,
        start: (host, role, options) => {
          const servers = `nats://${host.here}:${server.port}`
          return startNode(role, { ...options, servers, namespace: 'cut', log }, host.command)
        },
        cutFor: async (host, time) => {
          for (const direction of directions) host.cut(direction)
          await delay(time)
          for (const direction of directions) host.restore(direction)
        },
      })
    })
  })
}
