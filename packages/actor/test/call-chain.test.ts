// Each message has the list of the reentrant asks that led to it. The list may be long, so no function may call itself
// once for each entry: the stack would overflow.
import { expect, test } from 'vitest'
import type { AskFuture } from '../src/messages/ask.ts'
import { chainFrom } from '../src/messages/call-chain.ts'
import type { CallChain } from '../src/messages/envelope.ts'
import type { HandlerFlow } from '../src/messages/handler-flow.ts'

/** Makes a chain of asks. The first ask in the list is the latest. */
function chainOf(asks: readonly AskFuture[]): CallChain | null {
  return asks.reduceRight<CallChain | null>((up, ask) => ({ ask, up }), null)
}

function ask(done: boolean): AskFuture {
  return { done: () => done } as AskFuture
}

function pruned(chain: CallChain | null): CallChain | null {
  return chainFrom({ envelope: { chain } } as HandlerFlow)
}

test('a chain of asks without the asks that have ended keeps the other asks in their order', () => {
  const [a, b, c, d] = [ask(false), ask(true), ask(false), ask(false)]
  const tail = chainOf([c, d])
  const chain: CallChain = { ask: a, up: { ask: b, up: tail } }
  expect(pruned(chain)).toEqual(chainOf([a, c, d]))
  expect(pruned(chain)?.up).toBe(tail)
  expect(pruned(tail)).toBe(tail)
  expect(pruned(chainOf([b, c, b]))).toEqual(chainOf([c]))
  expect(pruned(chainOf([b, b]))).toBeNull()
  expect(pruned(null)).toBeNull()
})

test.for([true, false])(
  'a chain of 100,000 asks is cleaned of the ended asks without a stack overflow, oldest ended: %s',
  (done) => {
    const asks = [...Array.from({ length: 99_999 }, () => ask(false)), ask(done)]
    let length = 0
    for (let link = pruned(chainOf(asks)); link !== null; link = link.up) length++
    expect(length).toBe(done ? 99_999 : 100_000)
  },
)
