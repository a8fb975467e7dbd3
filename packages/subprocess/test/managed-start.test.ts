// Tests what a failed start leaves behind, and how a process is found to be ready.
import { run as runLoop, sleep, TimeoutError } from '@tasktree/core'
import { FileNotFoundError, ManagedProcess, NotReadyError, python } from '@tasktree/subprocess'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { children } from './support/system.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'managed-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

test.each([
  ['no such program', (path: string) => new ManagedProcess(path)],
  ['no such folder', (path: string) => new ManagedProcess('sleep', ['60'], { cwd: `${path}.d` })],
  ['too many arguments', (path: string) => new ManagedProcess(path, ['x'.repeat(3_000_000)])],
  ['never ready', () => new ManagedProcess('true', [], { ready: /ready/ })],
  [
    'not ready in time',
    () => new ManagedProcess('sleep', ['60'], { ready: /ready/, readyTimeout: 20 }),
  ],
])(
  'after a failed start a managed process has the state stopped at once, with and without run: %s',
  async (_, make) => {
    const body = async (): Promise<void> => {
      const helper = make(join(folder(), 'tool'))
      for (let i = 0; i < 3; i++) {
        expect(await failure(helper.start())).toBeInstanceOf(Error)
        expect([helper.state, helper.pid]).toEqual(['stopped', null])
        if (i === 1) await sleep(20)
      }
      expect(helper.state).toBe('stopped')
      await helper[Symbol.asyncDispose]()
      expect(helper.state).toBe('stopped')
    }
    await body()
    await runLoop(body)
    expect(children()).toEqual([])
  },
)

test('a managed process can be started after a failed start once its program exists', async () => {
  const tool = join(folder(), 'tool')
  await using helper = new ManagedProcess(tool)
  expect(await failure(helper.start())).toBeInstanceOf(FileNotFoundError)
  writeFileSync(tool, '#!/bin/sh\nexec sleep 60\n')
  expect(await failure(helper.start())).toMatchObject({ name: 'PermissionError' })
  chmodSync(tool, 0o755)
  await helper.start()
  expect(helper.state).toBe('running')
  expect(await helper.stop()).toBe(-15)
  expect(helper.state).toBe('stopped')
  rmSync(tool)
  expect(await failure(helper.restart())).toBeInstanceOf(FileNotFoundError)
  expect(helper.state).toBe('stopped')
})

test('restart of a managed process whose start has failed starts it', async () => {
  const tool = join(folder(), 'tool')
  await using helper = new ManagedProcess(tool)
  expect(await failure(helper.start())).toBeInstanceOf(FileNotFoundError)
  writeFileSync(tool, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 })
  await helper.restart()
  expect(helper.state).toBe('running')
})

test('a start of a managed process in the turn in which another start fails is not lost', async () => {
  const helper = new ManagedProcess('true', [], { ready: /never/ })
  const second = helper.start().catch(() => helper.start())
  expect(await failure(second)).toBeInstanceOf(NotReadyError)
  expect(helper.state).toBe('stopped')
})

test.each(['', ' >&2'])(
  'a prompt without a newline makes a managed process ready: %s',
  async (place) => {
    const lines: string[] = []
    const script = `echo banner${place}; printf '> '${place}; read line; echo "got $line"${place}; exec sleep 60`
    await using shell = new ManagedProcess('sh', ['-c', script], {
      ready: /^> $/,
      onStdout: (line) => void lines.push(line),
      onStderr: (line) => void lines.push(line),
    })
    await shell.start()
    expect(shell.state).toBe('running')
    // The prompt is not in the lines yet, because a line is passed on only when it is complete.
    expect(lines).toEqual(['banner'])
    await shell.write('hello')
    while (lines.length < 2) await sleep(5)
    expect(lines).toEqual(['banner', '> got hello'])
  },
)

test('the function `ready` of a managed process is called with the prompt of a Python REPL', async () => {
  await using repl = python('import code; code.interact(banner="")', [], {
    ready: (text) => text === '>>> ',
  })
  await repl.start()
  expect(repl.state).toBe('running')
})

test('the beginning of a line that goes on at once does not make a managed process ready', async () => {
  const asked: string[] = []
  const script = 'printf lis; sleep 0.01; printf ten; sleep 0.01; echo ing; exec sleep 60'
  await using server = new ManagedProcess('sh', ['-c', script], {
    ready: (text) => asked.push(text) > 0 && text === 'listening',
    readyTimeout: 5_000,
  })
  await server.start()
  expect(asked.at(-1)).toBe('listening')
})

test('a `ready` that throws for a prompt is reported, and is called again for the whole line', async () => {
  const messages: string[] = []
  await runLoop(async () => {
    const { getEventLoop } = await import('@tasktree/core')
    getEventLoop().setExceptionHandler((_, { message }) => void messages.push(message))
    // The script writes the rest of the line only after `ready` was called with the prompt.
    const asked = join(folder(), 'asked')
    const script = `printf 'user: '; while [ ! -e "$0" ]; do sleep 0.01; done; echo root; exec sleep 60`
    await using server = new ManagedProcess('sh', ['-c', script, asked], {
      ready: (text) => {
        if (text !== 'user: ') return true
        writeFileSync(asked, '')
        throw new Error('a mistake')
      },
    })
    await server.start()
  })
  expect(messages).toEqual(['a listener to the lines of sh failed'])
})

test('a managed process without output never becomes ready, even if `ready` matches the empty text', async () => {
  const silent = new ManagedProcess('sleep', ['60'], { ready: /^$/, readyTimeout: 150 })
  expect(await failure(silent.start())).toBeInstanceOf(TimeoutError)
})

test('a `ready` or onStdout of a managed process without an output pipe is refused', () => {
  const message = 'ready needs a PIPE, but both outputs were given other places'
  expect(
    () => new ManagedProcess('true', [], { ready: /x/, stdout: 'ignore', stderr: 'inherit' }),
  ).toThrow(new TypeError(message))
  expect(() => new ManagedProcess('true', [], { ready: /x/, stdio: 'inherit' })).toThrow(message)
  expect(() => new ManagedProcess('true', [], { onStdout: () => {}, stdio: 'inherit' })).toThrow(
    'onStdout hears a PIPE',
  )
})
