import { spawnSync } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { beforeAll, expect, test } from 'vitest'
import { catalogue } from '../src/catalogue.ts'
import { type ExampleRun, runExample, runExamples } from './support/example-run.ts'
import { documented, recorded, stable } from './support/python-original.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0
const names = catalogue.filter(({ group }) => group === 'asyncio').map(({ name }) => name)
const pair = new Set(['tcp-echo-server', 'tcp-echo-client'])
const alone = names.filter((name) => !pair.has(name))

/** The outputs that differ on purpose: for an example, each text of the Python original and the text that replaces it here. */
const differences: Record<string, [pythons: string, ours: string][]> = {
  // The author of the Python document shows that asyncio warns at each write to a closed pipe. Tasktree warns only once.
  drain: [['warned more than once? true', 'warned more than once? false']],
}

function expected(name: string): string {
  let output = stable(documented(name) ?? recorded(name))
  for (const [pythons, ours] of differences[name] ?? []) {
    expect(output).toContain(pythons)
    output = output.replace(pythons, ours)
  }
  return output
}

let runs: Map<string, ExampleRun>
beforeAll(async () => {
  runs = await runExamples(alone)
}, 600_000)

test.for(alone)('%s prints the same as its Python original', (name, { skip }) => {
  skip(name === 'subprocess-class' && !hasPython, 'there is no python3 on the PATH')
  const { code, stdout, stderr } = runs.get(name)!
  expect({ code, stdout: stable(stdout), stderr }).toEqual({
    code: 0,
    stdout: expected(name),
    stderr: expect.any(String),
  })
})

test.each(names.filter((name) => documented(name) !== null))(
  'the recorded output of CPython for %s is the output that the document shows',
  (name) => {
    expect(recorded(name)).toBe(documented(name))
  },
)

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test(
  'the TCP echo server and its client print what their originals print',
  { tags: ['slow'] },
  async () => {
    const port = String(await freePort())
    const stop = new AbortController()
    const serving = runExample(['tcp-echo-server', port], { signal: stop.signal })
    let client: ExampleRun
    // The server prints nothing when it begins to listen, so the client tries again until it can connect.
    do client = await runExample(['tcp-echo-client', port])
    while (client.stderr.includes('ECONNREFUSED'))
    stop.abort()
    const server = await serving

    expect(client).toEqual({ code: 0, stdout: recorded('tcp-echo-client'), stderr: '' })
    expect({ ...server, stdout: stable(server.stdout) }).toEqual({
      code: 1,
      stdout: stable(recorded('tcp-echo-server')),
      stderr: expect.stringContaining('KeyboardInterrupt'),
    })
  },
)
