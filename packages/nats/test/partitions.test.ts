/**
 * Tests two workers on two hosts (network namespaces), whose links to the server are cut. `TASKTREE_NATS_LONG=1` cuts them for
 * 10 s.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@tasktree/nats'
import { isLong, pingInterval, testCutLinks } from './support/cut-links.ts'
import { checkRound } from './support/history.ts'
import { until } from './support/tree.ts'

const cutTime = isLong ? 10_000 : 1_500

testCutLinks(
  'links of workers that are cut',
  'a link that is cut %s loses no job, and each job has one result',
  async ({ name, near, far, options, log, start, cutFor }) => {
    const shared = { work: 5, concurrency: 2, ackWait: 1_000, pingInterval }
    const [one, two] = await Promise.all([
      start(near, 'worker', shared),
      start(far, 'worker', shared),
    ])
    await using _one = one
    await using _two = two
    const count = isLong ? 6_000 : 500
    const history = await checkRound(options, log, count, async () => {
      await delay(300)
      await cutFor(far, cutTime)
    })
    console.log(`${name}: ${history.jobs} jobs, ${history.repeated} executions were repeated`)
    // The node on the host whose link was cut is back.
    await using looker = await connect(options)
    await until(async () => (await looker.nodes()).length === 3, 'the return of the host')
  },
)
