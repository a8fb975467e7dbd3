import { createReadStream, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { run } from '@tasktree/core'
import { GaiError, OSError, StreamReader, toOSError } from '@tasktree/streams'
import { expect, test } from 'vitest'

/** Returns the own properties of an error, without the name of its class and the host name that only errors of DNS have. */
function factsOf(error: object): Record<string, unknown> {
  const names = Object.keys(error).filter((name) => !['name', 'hostname'].includes(name))
  return Object.fromEntries(names.toSorted().map((name) => [name, Reflect.get(error, name)]))
}

async function failureOf(what: () => unknown): Promise<Error> {
  try {
    await what()
  } catch (error) {
    return error as Error
  }
  throw new Error('this must fail')
}

const missing = join(tmpdir(), 'no such file')

test.each<[string, () => unknown, string[]]>([
  ['a file', () => once(createReadStream(missing), 'end'), ['code', 'errno', 'path', 'syscall']],
  [
    'a rename',
    () => renameSync(missing, `${missing} 2`),
    ['code', 'dest', 'errno', 'path', 'syscall'],
  ],
  [
    'a connection',
    async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as { port: number }
      server.close()
      await once(server, 'close')
      await once(createConnection(port, '127.0.0.1'), 'connect')
    },
    ['address', 'code', 'errno', 'port', 'syscall'],
  ],
  ['a name', () => lookup('no-such-name.invalid'), ['code', 'errno', 'syscall']],
])(
  'toOSError keeps the properties of the error of Node for %s, and adds no others',
  async (_name, fail, names) => {
    const control = await failureOf(fail)
    const error = toOSError(control)
    expect(Object.keys(factsOf(control))).toEqual(names)
    expect(error).toBeInstanceOf(OSError)
    expect(factsOf(error)).toEqual(factsOf(control))
    expect(error.cause).toBe(control)
    expect(inspect(Object.fromEntries(Object.entries(error)))).not.toContain('undefined')
  },
)

test('an OSError without details has only its code', () => {
  expect(factsOf(new OSError('x'))).toEqual({ code: 'EIO' })
  expect(factsOf(new GaiError('x', { address: undefined }))).toEqual({
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
  })
  expect(new OSError('x').path).toBeUndefined()
})

test('a read of a file that fails throws an OSError with the path and the code', () =>
  run(async () => {
    const reader = StreamReader.from(createReadStream(missing))
    await expect(reader.read()).rejects.toMatchObject({
      name: 'OSError',
      code: 'ENOENT',
      syscall: 'open',
      path: missing,
    })
    const folder = mkdtempSync(join(tmpdir(), 'os-error-'))
    try {
      const error = await failureOf(() => StreamReader.from(createReadStream(folder)).read())
      expect(factsOf(error)).toEqual(factsOf(error.cause as Error))
      expect(error).toMatchObject({ code: 'EISDIR', syscall: 'read' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  }))
