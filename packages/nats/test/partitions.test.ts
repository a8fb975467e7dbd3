/** Two workers on hosts of their own, whose links to the server are cut. `TASKTREE_NATS_LONG=1` cuts them for 10 s. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@tasktree/nats'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkRound } from './support/history.ts'
import { findObstacle, Host } from './support/network.ts'
import { type Node, startNode } from './support/node.ts'
import { NatsServer, withoutServer } from './support/server.ts'

const obstacle = withoutServer || findObstacle()
const isLong = process.env['TASKTREE_NATS_LONG'] === '1'
const cutTime = isLong ? 10_000 : 1_500
/** In the short version a cut link is noticed sooner too. */
const pingInterval = isLong ? 2_000 : 250

describe.skipIf(obstacle)(`cut links${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tasktree nats cut-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each([
    ['to the host', ['to the host']],
    ['from the host', ['from the host']],
    ['both ways', ['to the host', 'from the host']],
  ] as const)(
    'a link that is cut %s loses no job, and gives each one result',
    { tags: 'slow', timeout: 120_000 },
    async (name, directions) => {
      using near = new Host()
      using far = new Host()
      await using server = await NatsServer.start(['-js'], '0.0.0.0')
      const log = join(folder, name)
      writeFileSync(log, '')
      const shared = {
        namespace: 'cut',
        log,
        work: 5,
        concurrency: 2,
        ackWait: 1_000,
        pingInterval,
      }
      const start = (host: Host): Promise<Node> =>
        startNode(
          'worker',
          { ...shared, servers: `nats://${host.here}:${server.port}` },
          host.command,
        )
      const [one, two] = await Promise.all([start(near), start(far)])
      await using _one = one
      await using _two = two
      const options = { servers: server.url, namespace: 'cut' }
      const count = isLong ? 6_000 : 500
      const history = await checkRound(options, log, count, async () => {
        await delay(300)
        for (const direction of directions) far.cut(direction)
        await delay(cutTime)
        for (const direction of directions) far.restore(direction)
      })
      console.log(`${name}: ${history.jobs} jobs, ${history.repeated} executions were repeated`)
      // The host that was cut off is back.
      const giveUp = performance.now() + 15_000
      let nodes = history.nodes.length
      while (nodes < 3 && performance.now() < giveUp) {
        await delay(200)
        await using looker = await connect(options)
        nodes = (await looker.nodes()).length
      }
      expect(nodes).toBe(3)
    },
  )
})
