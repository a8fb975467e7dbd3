/**
 * Tests a singleton and an entity on two hosts (network namespaces), whose links to the server are cut.
 * `TASKTREE_NATS_LONG=1` cuts them for 10 s.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@tasktree/nats'
import { expect } from 'vitest'
import { ConfirmedItems } from './support/confirmed-items.ts'
import { isLong, pingInterval, testCutLinks } from './support/cut-links.ts'
import { mostStrayTicks, readLog, termsOf } from './support/entity-log.ts'

const cutTime = isLong ? 10_000 : 2_000
const lease = isLong ? 2_000 : 800

testCutLinks(
  'links of owners of entities that are cut',
  'with a link that is cut %s one singleton runs at a time, and each message is applied once, in order',
  async ({ name, near, far, options, log, start, cutFor }) => {
    const [one, two] = await Promise.all([
      start(near, 'entities', { node: 'near', lease, pingInterval }),
      start(far, 'entities', { node: 'far', lease, pingInterval }),
    ])
    await using _one = one
    await using _two = two
    await using cluster = await connect({ ...options, powerLossWarning: false })
    // There are so many lists that the host whose link is cut owns some of them.
    const lists = Array.from({ length: 10 }, (_, i) => new ConfirmedItems(cluster, `key ${i}`))
    await Promise.all(lists.map((list) => list.check()))
    let sent = 0
    const cutting = { isOver: false }
    const sending = (async () => {
      while (!cutting.isOver) {
        await Promise.all(lists.map((list) => list.send()))
        sent++
        await delay(20)
      }
    })()
    await delay(500)
    const before = readLog(log).findLast(({ what }) => what === 'tick')?.node
    const cut = before === 'near' ? near : far
    await cutFor(cut, cutTime)
    await delay(2 * lease)
    cutting.isOver = true
    await sending
    for (const list of lists) await list.check()
    const notes = readLog(log)
    const terms = termsOf(notes, lease / 2)
    const strays = mostStrayTicks(notes, lease / 2)
    console.log(
      `${name}: ${lists.length * sent} messages, ${terms.length} terms of the singleton, ${strays} ticks beside the other host`,
    )
    // The other host has taken the singleton over, and never while the first host ran it.
    expect(new Set(terms.map(({ node }) => node)).size).toBe(2)
    // There are no stray ticks, unless a busy machine has stopped a process at the wrong moment.
    expect(strays).toBeLessThan(3)
    expect(
      new Set(notes.filter(({ what }) => what === 'append').map(({ node }) => node)).size,
    ).toBe(2)
  },
)
