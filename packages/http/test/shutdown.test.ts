import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { shutdownOn } from '@tasktree/http'
import { afterEach, describe, expect, test } from 'vitest'
import { testWhere } from '../../../vitest.skips.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Starts a program that serves. The returned `pid` is the process id of the program itself, even if a wrapper runs it. */
async function start(
  name: string,
  args: string[] = [],
  wrapper: string[] = [],
): Promise<{ child: ChildProcess; url: string; output: () => string }> {
  const program = fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url))
  const command = [...wrapper, process.execPath, '--conditions=@tasktree/source', program, ...args]
  const child = spawn(command[0] as string, command.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let output = ''
  child.stdout.setEncoding('utf8')
  const url = await new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk: string) => {
      output += chunk
      if (output.includes('\n')) resolve((output.split('\n')[0] as string).trim())
    })
  })
  return { child, url, output: () => output }
}

async function ended(child: ChildProcess): Promise<unknown[]> {
  return child.exitCode !== null || child.signalCode !== null
    ? [child.exitCode, child.signalCode]
    : await once(child, 'exit')
}

describe('a program with shutdownOn that gets SIGTERM', { tags: ['slow'] }, () => {
  test.each([
    ['plain-server', []],
    ['run-server', []],
    ['run-server', ['forever']],
  ])('ends with code 0 after the running requests have ended: %s %j', async (name, args) => {
    const { child, url, output } = await start(name, args)
    const answer = fetch(url)
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
    child.kill('SIGTERM')
    expect(await (await answer).text()).toBe('done')
    expect(await ended(child)).toEqual([0, null])
    if (name === 'run-server' && args.length === 0) expect(output()).toContain('clean')
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  test('lets the clean-up of requests end before the future `closed`, and ends with code 0', async () => {
    const { child, url, output } = await start('slow-clean-up-server')
    const answer = fetch(url)
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
    child.kill('SIGTERM')
    expect((await answer).status).toBe(503)
    expect(await ended(child)).toEqual([0, null])
    expect(output()).toBe(`${url}\ncleaned up\nclosed\nafter run\n`)
  })

  test('ends after exitAfter although other code keeps the program alive', async () => {
    const { child } = await start('stuck-server', ['5000', '50'])
    child.kill('SIGTERM')
    expect(await ended(child)).toEqual([0, null])
  })

  test('twice ends at once with code 143', async () => {
    const { child, url } = await start('stuck-server', ['60000', '60000'])
    const answer = fetch(url).catch(() => {})
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
    child.kill('SIGTERM')
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
    child.kill('SIGTERM')
    expect(await ended(child)).toEqual([143, null])
    await answer
  })

  // The first process of a PID namespace has PID 1, as in a container. The kernel ignores a signal for it without a listener.
  testWhere(canUnshare(), 'a PID namespace cannot be made here')(
    'as PID 1 ends with code 0 after the running requests have ended',
    async () => {
      const { child, url } = await start(
        'run-server',
        [],
        ['unshare', '--pid', '--fork', '--kill-child'],
      )
      const answer = fetch(url)
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
      const inner = execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).trim()
      process.kill(Number(inner), 'SIGTERM')
      expect(await (await answer).text()).toBe('done')
      expect(await ended(child)).toEqual([0, null])
    },
  )
})

function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['--pid', '--fork', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('disposing of the result of shutdownOn removes its signal listeners', () => {
  const before = process.listenerCount('SIGUSR2')
  const listening = shutdownOn('SIGUSR2', { stop: async () => {} })
  expect(process.listenerCount('SIGUSR2')).toBe(before + 1)
  listening[Symbol.dispose]()
  expect(process.listenerCount('SIGUSR2')).toBe(before)
})

test.each([
  ['SIGNOPE', { stop: async () => {} }, {}],
  ['SIGTERM', {}, {}],
  ['SIGTERM', null, {}],
  ['SIGTERM', { stop: async () => {} }, { exitAfter: -1 }],
])('shutdownOn refuses wrong arguments: %j, %j, %j', (signals, target, options) => {
  expect(() => shutdownOn(signals as never, target as never, options)).toThrow(/shutdownOn|option/)
})
