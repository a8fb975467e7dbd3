import { runVirtual } from '@tasktree/core/testing'
import { cluster } from '@tasktree/nats'
import { MemoryServer } from '@tasktree/nats/testing'
import { expect, test } from 'vitest'

test('a node is in the list of nodes as soon as it is connected, and not after its end', async () => {
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
