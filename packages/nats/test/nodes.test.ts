import { sleep } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { cluster, connect } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'

test('the list of nodes has a node as soon as it has connected, and not after its end', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    await runVirtual(async () => {
      const { connector } = new MemoryServer({ seed })
      const one = await cluster({ connector, node: 'one' }).connect()
      expect((await one.nodes()).map(({ node }) => node)).toEqual(['one'])
      const two = await cluster({ connector, node: 'two' }).connect()
      expect((await two.snapshot()).nodes.map(({ node }) => node)).toEqual(['one', 'two'])
      await one[Symbol.asyncDispose]()
      expect((await two.nodes()).map(({ node }) => node)).toEqual(['two'])
      await two[Symbol.asyncDispose]()
    })
  }
})

test('the list of nodes has the own node right after a long loss of the connection', () =>
  runVirtual(async () => {
    const server = new MemoryServer()
    await using cluster = await connect({ connector: server.connector, node: 'me' })
    for (let away = 1_000; away < 20_000; away += 700) {
      server.connections[0]?.cut()
      await sleep(away)
      server.connections[0]?.restore()
      expect((await cluster.nodes()).map(({ node }) => node)).toEqual(['me'])
      expect((await cluster.snapshot()).nodes).toHaveLength(1)
    }
  }))
