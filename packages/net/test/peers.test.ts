import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRunningLoop, run } from '@tasktree/core'
import { openConnection, type StreamReader, type StreamWriter, startServer } from '@tasktree/net'
import { expect, test } from 'vitest'
import { echo, fixture, local, portOf, tls } from './support/network.ts'
import { has, hasPython, nodeOutput, output, Program, pythonOutput } from './support/programs.ts'
import { command, respServer } from './support/resp.ts'
import { testWhere } from '../../../vitest.skips.ts'

/** Returns a `test` function for tests that need a program. Without the program they are skipped. */
const testWith = (program: string): ReturnType<typeof testWhere> =>
  testWhere(has(program), `${program} is not on the PATH`)
const testWithPython = testWhere(hasPython, 'python3 is not on the PATH')

const pythonServer = `
import asyncio
async def handle(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(handle, '127.0.0.1', 0)
    print('serving at', server.sockets[0].getsockname()[1])
    await server.serve_forever()
asyncio.run(main())
`

const pythonClient = `
import asyncio, sys
async def main():
    reader, writer = await asyncio.open_connection('127.0.0.1', int(sys.argv[1]))
    writer.writelines([b'x' * 50_000 + b'\\n', b'end\\n'])
    await writer.drain()
    print(len(await reader.readline()), (await reader.readline()).decode().strip())
    writer.write_eof()
    print(await reader.read())
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
`

const portIn = (line: string): number => Number(line.split(' ').at(-1))

testWithPython('a client of this package talks to an asyncio server', { tags: ['slow'] }, () =>
  run(async () => {
    const [program, line] = await Program.python(['-c', pythonServer], 'serving')
    await using _ = program
    const [reader, writer] = await openConnection('127.0.0.1', portIn(line))
    writer.writeLines(['one\n', 'two\n'])
    expect(String(await reader.readExactly(8))).toBe('one\ntwo\n')
    writer.writeEof()
    expect((await reader.read()).length).toBe(0)
    await writer[Symbol.asyncDispose]()
  }),
)

testWithPython('an asyncio client talks to a server of this package', { tags: ['slow'] }, () =>
  run(async () => {
    await using server = await startServer(echo, local)
    expect(await pythonOutput('-c', pythonClient, String(portOf(server)))).toEqual({
      stdout: "50001 end\nb''\n",
      stderr: '',
      code: 0,
    })
  }),
)

const ours = (name: string): string[] => [
  process.execPath,
  '--conditions=@tasktree/source',
  fixture(name),
]
const theirs = (name: string): string[] => [process.env['PYTHON'] ?? 'python3', '-u', fixture(name)]

// The echo server and client of asyncio's documentation, in both languages.
testWithPython.each([
  ['ours', 'ours', ours('echo-server.ts'), ours('echo-client.ts')],
  ['ours', "Python's", ours('echo-server.ts'), theirs('echo_client.py')],
  ["Python's", 'ours', theirs('echo_server.py'), ours('echo-client.ts')],
  ["Python's", "Python's", theirs('echo_server.py'), theirs('echo_client.py')],
])(
  'the client and the server of the documented echo understand each other: %s serves %s',
  { tags: ['slow'] },
  async (_server, _client, server, client) => {
    const [program, line] = await Program.start(
      server[0] as string,
      [...server.slice(1), '0'],
      'serving',
    )
    await using _ = program
    const args = [...client.slice(1), String(portIn(line))]
    expect(await output(client[0] as string, args)).toEqual({
      stdout:
        "Data sent: 'Hello World!'\nData received: 'Hello World!'\nThe server closed the connection\n",
      stderr: '',
      code: 0,
    })
    const lines = (await program.stop()).split('\n')
    expect(lines[1]).toMatch(/^Connection from .*127\.0\.0\.1/)
    expect(lines.slice(2)).toEqual([
      "Data received: 'Hello World!'",
      "Send: 'Hello World!'",
      'Close the client socket',
      '',
    ])
  },
)

test('the Redis-like server of this test answers PING, SET and GET, also pipelined', () =>
  run(async () => {
    await using server = await startServer(respServer(), local)
    const [reader, writer] = await openConnection('127.0.0.1', portOf(server))
    await using _ = writer
    writer.writeLines([
      command('PING'),
      command('SET', 'k', 'a\r\nb'),
      command('GET', 'k'),
      command('GET', 'no'),
    ])
    const expected = '+PONG\r\n+OK\r\n$4\r\na\r\nb\r\n$-1\r\n'
    expect(String(await reader.readExactly(expected.length))).toBe(expected)
  }))

testWith('redis-cli')(
  'redis-cli talks to the Redis-like server of this test',
  { tags: ['slow'] },
  () =>
    run(async () => {
      await using server = await startServer(respServer(), local)
      const args = ['-h', '127.0.0.1', '-p', String(portOf(server))]
      const input =
        'PING\nSET greeting "hello\\r\\nworld"\nGET greeting\nGET nothing\nTYPE greeting\n'
      expect((await output('redis-cli', args, input)).stdout).toBe(
        "PONG\nOK\nhello\r\nworld\n\nERR unknown command 'TYPE'\n\n",
      )
    }),
)

testWith('redis-benchmark')(
  'redis-benchmark runs against the Redis-like server of this test, alone and pipelined',
  { tags: ['slow'] },
  () =>
    run(async () => {
      await using server = await startServer(respServer(), local)
      const args = ['-h', '127.0.0.1', '-p', String(portOf(server)), '-t', 'ping,set,get', '--csv']
      for (const more of [
        ['-n', '2000', '-c', '20'],
        ['-n', '10000', '-c', '50', '-P', '16', '-d', '100'],
      ]) {
        const { stdout, code } = await output('redis-benchmark', [...args, ...more])
        expect(code).toBe(0)
        const rates = [...stdout.matchAll(/^"(\w+)","([\d.]+)"/gm)]
        expect(rates.map((rate) => rate[1])).toEqual(['PING_INLINE', 'PING_MBULK', 'SET', 'GET'])
        for (const rate of rates) expect(Number(rate[2])).toBeGreaterThan(0)
      }
    }),
)

testWith('redis-server')('a client of this package talks to redis-server', { tags: ['slow'] }, () =>
  run(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tasktree-'))
    const path = join(folder, 'redis')
    try {
      const args = ['--port', '0', '--unixsocket', path, '--save', '', '--dir', folder]
      const [program] = await Program.start('redis-server', args, 'accept connections')
      await using _ = program
      const [reader, writer] = await openConnection({ path })
      const value = 'x'.repeat(100_000)
      writer.writeLines([command('PING'), command('SET', 'k', value), command('GET', 'k')])
      await writer.drain()
      expect(String(await reader.readLine())).toBe('+PONG\r\n')
      expect(String(await reader.readLine())).toBe('+OK\r\n')
      expect(String(await reader.readLine())).toBe('$100000\r\n')
      expect(String(await reader.readExactly(100_002))).toBe(`${value}\r\n`)
      writer.write(command('LPUSH', 'list', ...Array.from({ length: 1000 }, (_, i) => `${i}`)))
      expect(String(await reader.readLine())).toBe(':1000\r\n')
      writer.write(command('LRANGE', 'list', '0', '-1'))
      expect(String(await reader.readLine())).toBe('*1000\r\n')
      for (let i = 999; i >= 0; i--) {
        await reader.readUntil('\r\n')
        expect(String(await reader.readUntil('\r\n'))).toBe(`${i}\r\n`)
      }
      await writer[Symbol.asyncDispose]()
    } finally {
      await rm(folder, { recursive: true })
    }
  }),
)

const answer = async (reader: StreamReader, writer: StreamWriter): Promise<void> => {
  while ((await reader.readLine()).length > 2);
  const alpn = String(writer.getExtraInfo('alpn'))
  writer.write(
    `HTTP/1.1 200 OK\r\ncontent-length: ${alpn.length}\r\nconnection: close\r\n\r\n${alpn}`,
  )
  await writer.drain()
}

testWith('curl')(
  'curl reads from a server of this package over TLS with ALPN',
  { tags: ['slow'] },
  () =>
    run(async () => {
      const options = { host: 'localhost', tls: { ...tls, ALPNProtocols: ['http/1.1'] } }
      await using server = await startServer(answer, options)
      const url = `https://localhost:${portOf(server)}/`
      const args = ['-sv', '--noproxy', '*', '--cacert', fixture('cert.pem'), url]
      const { stdout, stderr } = await output('curl', args)
      expect(stdout).toBe('http/1.1')
      expect(stderr).toContain('ALPN: server accepted http/1.1')
      const reports: string[] = []
      getRunningLoop().setExceptionHandler((_, { message }) => reports.push(message))
      expect((await output('curl', ['-s', '--noproxy', '*', url])).code).toBe(60)
      // A peer that refuses the server's certificate is not a failure of the server.
      expect(reports).toEqual([])
    }),
)

testWith('openssl')('openssl s_client verifies a server of this package', { tags: ['slow'] }, () =>
  run(async () => {
    const options = { host: 'localhost', tls: { ...tls, ALPNProtocols: ['http/1.1'] } }
    await using server = await startServer(answer, options)
    const at = ['-connect', `localhost:${portOf(server)}`, '-alpn', 'http/1.1']
    const args = ['s_client', ...at, '-verify_return_error', '-CAfile', fixture('cert.pem')]
    const { stdout } = await output('openssl', [...args, '-ign_eof'], 'GET / HTTP/1.1\r\n\r\n')
    expect(stdout).toContain('Verify return code: 0 (ok)')
    expect(stdout).toContain('ALPN protocol: http/1.1')
    expect(stdout).toContain('\r\n\r\nhttp/1.1')
  }),
)

testWith('openssl')('a client of this package talks to openssl s_server', { tags: ['slow'] }, () =>
  run(async () => {
    const files = ['-key', fixture('key.pem'), '-cert', fixture('cert.pem')]
    const args = ['s_server', '-accept', '0', ...files, '-rev', '-alpn', 'echo']
    const [program, line] = await Program.start('openssl', args, 'ACCEPT')
    await using _ = program
    const port = Number(line.split(':').at(-1))
    const [reader, writer] = await openConnection('localhost', port, {
      tls: { ca: tls.cert, ALPNProtocols: ['echo'] },
    })
    expect(writer.getExtraInfo('alpn')).toBe('echo')
    writer.write('hello openssl\n')
    expect(String(await reader.readLine())).toBe('lssnepo olleh\n')
    await writer[Symbol.asyncDispose]()
  }),
)

testWithPython(
  'asyncio and this package talk over TLS, each as client and as server',
  { tags: ['slow'] },
  () =>
    run(async () => {
      await using server = await startServer(echo, { host: 'localhost', tls })
      const files = [fixture('cert.pem'), fixture('key.pem')]
      const { stdout, stderr } = await pythonOutput(
        fixture('tls_peer.py'),
        'client',
        ...files,
        String(portOf(server)),
      )
      expect(stderr).toBe('')
      expect(stdout).toBe("b'hello\\n' TLSv1.3\n")
      const [program, line] = await Program.python(
        [fixture('tls_peer.py'), 'server', ...files, '0'],
        'serving',
      )
      await using _ = program
      const options = { tls: { ca: tls.cert } }
      const [reader, writer] = await openConnection('localhost', portIn(line), options)
      writer.write('hello\n')
      expect(String(await reader.readLine())).toBe('hello\n')
      await writer[Symbol.asyncDispose]()
    }),
)

test(
  'the echo client of the fixtures reports a refused connection and exits with 1',
  { tags: ['slow'] },
  async () => {
    const { code, stderr } = await nodeOutput(fixture('echo-client.ts'), '1')
    expect(code).toBe(1)
    expect(stderr).toContain('ConnectionRefusedError')
  },
)
