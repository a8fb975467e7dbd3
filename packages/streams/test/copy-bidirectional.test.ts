import { PassThrough } from 'node:stream'
import { createTask, run, sleep, timeout, wait } from '@tasktree/core'
import { copyBidirectional, type StreamPair, StreamReader, StreamWriter } from '@tasktree/streams'
import { expect, test } from 'vitest'

/** Makes one side of a relay. The relay reads what a test writes to `input`, and a test reads what the relay writes from `output`. */
function side(): { pair: StreamPair; input: PassThrough; output: StreamReader } {
  const input = new PassThrough()
  const output = new PassThrough()
  return {
    pair: [StreamReader.from(input), StreamWriter.to(output)],
    input,
    output: StreamReader.from(output),
  }
}

test('copyBidirectional ends each direction on its own, and passes its end on', () =>
  run(async () => {
    const [client, server] = [side(), side()]
    const copying = createTask(() => copyBidirectional(client.pair, server.pair))
    client.input.end('request')
    expect(String(await timeout(1000, () => server.output.read()))).toBe('request')
    server.input.write('a long ')
    expect(String(await client.output.readExactly(7))).toBe('a long ')
    expect(copying.done()).toBe(false)
    server.input.end('answer')
    expect(String(await timeout(1000, () => client.output.read()))).toBe('answer')
    expect(await timeout(1000, () => copying)).toEqual([7, 13])
  }))

test('copyBidirectional throws the failure of one direction and cancels the other', () =>
  run(async () => {
    const failure = new Error('gone')
    const [client, server] = [side(), side()]
    const copying = createTask(() => copyBidirectional(client.pair, server.pair))
    await sleep(1)
    client.input.destroy(failure)
    await wait([copying])
    expect(copying.exception()).toBe(failure)
    // The cancelled copy no longer uses the reader of the other direction.
    server.input.write('still here')
    expect(String(await server.pair[0].read(99))).toBe('still here')
    server.input.end()
  }))

test('copyBidirectional ends both directions by a cancel of its task or by an aborted signal', () =>
  run(async () => {
    const [client, server] = [side(), side()]
    const controller = new AbortController()
    const copying = [
      createTask(() => copyBidirectional(client.pair, server.pair)),
      createTask(() => copyBidirectional(side().pair, side().pair, { signal: controller.signal })),
    ]
    await sleep(1)
    copying[0]?.cancel()
    controller.abort()
    await wait(copying)
    expect(copying.map((task) => task.cancelled())).toEqual([true, true])
    client.input.end('x')
    expect(String(await client.pair[0].read())).toBe('x')
  }))

test('copyBidirectional refuses wrong arguments at the call', () => {
  const { pair } = side()
  expect(() => copyBidirectional(pair, 5 as never)).toThrow(
    new TypeError('copyBidirectional takes [reader, writer] twice, got number 5'),
  )
  expect(() => copyBidirectional(pair, [pair[1], pair[0]] as never)).toThrow(TypeError)
  expect(() => copyBidirectional(pair, pair, 5 as never)).toThrow(TypeError)
})
