import { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { run, timeout } from '@tasktree/core'
import { GaiError, OSError, StreamReader, StreamWriter, toOSError } from '@tasktree/streams'
import { expect, test } from 'vitest'

// A source or a sink may fail with any value, even with a value that throws when code reads a property of it. No read and no drain
// may wait for ever because of that.

const getter = (what: object, name: string): object =>
  Object.defineProperty(what, name, {
    get() {
      throw new Error('this property must not be read')
    },
  })

const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()

const values: Record<string, unknown> = {
  'an object without a prototype': Object.create(null),
  'an object whose toString throws': getter({}, 'toString'),
  'an error whose code throws': getter(new Error('x'), 'code'),
  'a revoked proxy': revoked,
}

/** Whether a stream of Node accepts the value as an error. Node reads the stack of an error, so it throws for a revoked proxy. */
const isForNode = (value: unknown): boolean => value !== revoked

const outcome = (promise: PromiseLike<unknown>): PromiseLike<unknown> =>
  timeout(1000, () => promise).then(String, (error: unknown) => error)

test.each(Object.entries(values))('toOSError makes %s the cause of an OSError', (_, value) => {
  const error = toOSError(value)
  expect(error).toBeInstanceOf(OSError)
  expect(error.message).toMatch(/^the stream failed with an object/)
  // `toBe` would read the value to show it.
  expect(error.cause === value).toBe(true)
})

test.each(Object.entries(values))(
  'a read from a source that fails with %s throws an OSError with this cause',
  (_, value) =>
    run(async () => {
      const sources: Parameters<typeof StreamReader.from>[0][] = [
        // oxlint-disable-next-line require-yield -- this source fails before its first chunk
        (async function* (): AsyncGenerator<Buffer> {
          throw value
        })(),
        new ReadableStream({ start: (controller) => controller.error(value) }),
      ]
      if (isForNode(value)) {
        sources.push(
          new Readable({
            read() {
              this.destroy(value as Error)
            },
          }),
        )
      }
      for (const source of sources) {
        const error = await outcome(StreamReader.from(source).read(1))
        expect(error).toBeInstanceOf(OSError)
        expect((error as Error).cause === value).toBe(true)
      }
    }),
)

test.each(Object.entries(values))(
  'drain and waitClosed of a sink that fails with %s throw an OSError with this cause',
  (_, value) =>
    run(async () => {
      const sinks: Parameters<typeof StreamWriter.to>[0][] = [
        new WritableStream({
          write() {
            throw value
          },
        }),
      ]
      if (isForNode(value)) {
        sinks.push(new Writable({ write: (_chunk, _encoding, done) => done(value as Error) }))
      }
      for (const sink of sinks) {
        const writer = StreamWriter.to(sink)
        writer.write('x')
        for (const wait of [() => writer.waitClosed(), () => writer.drain()]) {
          const error = await outcome(wait())
          expect(error).toBeInstanceOf(OSError)
          expect((error as Error).cause === value).toBe(true)
        }
      }
    }),
)

test('control: a stream of Node fails with an object without a prototype as it is', async () => {
  const value: unknown = values['an object without a prototype']
  const readable = new Readable({
    read() {
      this.destroy(value as Error)
    },
  }).resume()
  const thrown: unknown = await finished(readable).catch((error: unknown) => error)
  expect(thrown === value).toBe(true)
})

test('toOSError makes a GaiError of an error of a name server that does not answer', () => {
  // Node throws this error on a machine without a network.
  const control = Object.assign(new Error('getaddrinfo EAI_AGAIN example.com'), {
    code: 'EAI_AGAIN',
    errno: -3001,
    syscall: 'getaddrinfo',
  })
  expect(toOSError(control)).toBeInstanceOf(GaiError)
  expect(toOSError(control)).toMatchObject({ code: 'EAI_AGAIN', errno: -3001, cause: control })
  const ours = Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' })
  expect(toOSError(ours)).toBe(ours)
})
