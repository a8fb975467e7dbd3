import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { testWhere } from '../../../vitest.skips.ts'
import { signalPort } from '../src/target.ts'
import { app, cli, listensOnNothing, start, tasktree } from './support.ts'

const slow = { timeout: 60_000, tags: ['slow'] }

/** Expects that the command ends with code 1 and prints one line that contains `text`. */
async function expectFailure(
  running: ReturnType<typeof tasktree>,
  text: string | RegExp,
): Promise<void> {
  const { code, out, error } = await running
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(error).toMatch(text)
  expect(error.split('\n')).toHaveLength(2)
}

test('a command names the program that already uses the port of the inspector', slow, async () => {
  const stranger = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
  const { port } = stranger.address() as { port: number }
  try {
    const target = await start([`--inspect-port=${port}`, ...app('calm.mjs')])
    await expectFailure(
      tasktree(['ps', target.pid]),
      new RegExp(
        `port ${port} is taken by process ${process.pid} \\(.+\\), so process ${target.pid} cannot open its inspector. Start it with --inspect-port=0`,
      ),
    )
    expect(target.child.exitCode ?? target.child.signalCode).toBe(null)
  } finally {
    await new Promise((resolve) => stranger.close(resolve))
  }
})

test.each<{ args?: string[]; nodeOptions?: string }>([
  {},
  { args: ['--inspect-port=7001'] },
  { args: ['--inspect-port', '7002'] },
  { args: ['--inspect_port=[::1]:7003', '--no-warnings'] },
  { args: ['--debug-port=localhost:0'] },
  { args: ['--inspect-port=localhost'] },
  { args: ['--inspect-port=7004', '--inspect-port=7005'] },
  { nodeOptions: '--inspect-port=7006 --inspect-port 7007' },
  { nodeOptions: '--no-warnings "--inspect-port=7008"' },
  { args: ['--inspect-port=7009'], nodeOptions: '--inspect-port=7010' },
  { args: ['--no-warnings', '--', '-', '--inspect-port=7011'], nodeOptions: '--inspect-port=7012' },
])('the port that a signal opens is known from outside: %j', slow, async (how) => {
  const { args = [], nodeOptions = '' } = how
  const folder = mkdtempSync(join(tmpdir(), 'port-'))
  const file = join(folder, 'port.mjs')
  try {
    writeFileSync(file, "console.log('ready', process.debugPort); setInterval(() => {}, 1e6)")
    const target = await start([...args.map((arg) => (arg === '-' ? file : arg)), file], {
      nodeOptions,
    })
    expect(`ready ${signalPort(target.pid)}\n`).toBe(target.output())
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a command says that a process inside of execSync gives no answer', slow, async () => {
  const target = await start(app('stuck.mjs'))
  await new Promise((resolve) => setTimeout(resolve, 300))
  await expectFailure(
    tasktree(['ps', target.pid]),
    /it may be inside a synchronous call such as execSync/,
  )
  expect(target.child.exitCode ?? target.child.signalCode).toBe(null)
})

test(
  'a command says that a process with --permission may not open its inspector',
  slow,
  async () => {
    const target = await start(['--permission', '--allow-fs-read=*', ...app('calm.mjs')])
    await expectFailure(
      tasktree(['ps', target.pid]),
      // With --permission, Node 26 does not listen to the signal. Older versions listen, but do not open the port.
      /it was started with --disable-sigusr1 or --permission|may not be allowed to \(--permission\)/,
    )
    expect(target.child.exitCode ?? target.child.signalCode).toBe(null)
  },
)

test('record of a process that ends meanwhile fails and writes no file', slow, async () => {
  const target = await start(app('calm.mjs'))
  const file = join(tmpdir(), `tasktree-never-written-${process.pid}.json`)
  const recording = tasktree(['record', target.pid, file, '--for', '30'])
  await target.wrote('Debugger attached')
  setTimeout(() => target.child.kill('SIGKILL'), 500)
  // On a busy machine the process may be gone before the command looks at it again.
  await expectFailure(recording, /process \d+ has ended|there is no process/)
  expect(() => statSync(file)).toThrow('ENOENT')
})

test.each([
  'hello',
  '[{"webSocketDebuggerUrl":"no address"}]',
  '[{"type":"page","webSocketDebuggerUrl":"ws://127.0.0.1:1/page"}]',
  '[{"type":"node","webSocketDebuggerUrl":"ws://127.0.0.1:1/other"}]',
  '[null]',
])(
  'a server of the process gets a single request, and is not taken for the inspector: %s',
  slow,
  async (answer) => {
    const target = await start(app('server.mjs', answer))
    expect(await tasktree(['why', target.pid, 'victim'])).toEqual({
      code: 0,
      out: 'victim sleeps until it is cancelled\n',
      error: '',
    })
    expect(target.output().match(/asked for .*/g)).toEqual(['asked for /json/list'])
  },
)

const canUnshare = spawnSync('unshare', ['--net', 'true']).status === 0

testWhere(canUnshare, 'this user may not make a network namespace')(
  'a command says that a process is in another network namespace',
  slow,
  async () => {
    const target = await start(['--net', process.execPath, ...app('calm.mjs')], {
      command: 'unshare',
    })
    await expectFailure(
      tasktree(['ps', target.pid]),
      `process ${target.pid} is in another network namespace: run tasktree inside its container`,
    )
    expect(target.output()).not.toContain('Debugger')
  },
)

/** The number of the user `nobody`. */
const nobody = 65_534
const isRoot = process.geteuid?.() === 0

testWhere(isRoot && isOpenToAll(), 'the test cannot become the user nobody')(
  'a command leaves a process of another user alone, and root may look into a process of any user',
  slow,
  async () => {
    const [own, theirs] = await Promise.all([
      start(app('calm.mjs')),
      start(app('calm.mjs'), { uid: nobody }),
    ])
    await expectFailure(
      tasktree(['ps', own.pid], nobody),
      `process ${own.pid} belongs to another user (uid 0, yours is ${nobody})`,
    )
    expect(own.output()).not.toContain('Debugger')
    expect((await tasktree(['why', theirs.pid, 'victim'])).out).toBe(
      'victim sleeps until it is cancelled\n',
    )
    // This user may write the file, and not the folder of the file.
    const recording = ['record', theirs.pid, '/dev/null', '--for', '0.1', '--every', '0.1']
    expect(await tasktree(recording, nobody)).toMatchObject({ code: 0, error: '' })
    expect(await listensOnNothing(theirs.pid)).toBe(true)
  },
)

/** Whether any user may run Node and read the command. */
function isOpenToAll(): boolean {
  try {
    for (const file of [process.execPath, cli.at(-1) as string]) {
      accessSync(file, constants.R_OK)
      for (let path = file; path !== dirname(path); path = dirname(path)) {
        if ((statSync(path).mode & 0o005) !== 0o005 && path !== file) return false
      }
    }
    return true
  } catch {
    return false
  }
}
