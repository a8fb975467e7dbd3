import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { attach } from '@tasktree/devtools'
import { testWhere } from '../../../vitest.skips.ts'
import { listeningPorts } from '../src/target.ts'
import { app, cli, listensOnNothing, start, tasktree } from './support.ts'

const slow = { timeout: 60_000, tags: ['slow'] }

test(
  'Ctrl-C ends a recording, and removes the recorder and the inspector from the process',
  slow,
  async () => {
    const target = await start(app('calm.mjs'))
    const file = join(tmpdir(), `tasktree-interrupted-${process.pid}.json`)
    const args = [...cli, 'record', String(target.pid), file, '--for', '600']
    const command = await start(args, { ready: '' })
    const hasRecorder = async (): Promise<boolean> => {
      const attached = await attach(target.pid)
      const isMissing = await attached.main.evaluate(
        "globalThis[Symbol.for('tasktree.recorder')] === undefined",
      )
      await attached[Symbol.asyncDispose]()
      return isMissing === false
    }
    // The command is attached now: the inspector of the target is open, and the recorder is installed.
    await target.wrote('Debugger attached')
    await expect.poll(() => listeningPorts(target.pid).some((port) => port !== 9229)).toBe(true)
    await expect.poll(hasRecorder).toBe(true)
    command.child.kill('SIGINT')
    expect(await command.ended()).toBe(130)
    expect(command.output()).toBe('')
    expect(await listensOnNothing(target.pid)).toBe(true)
    expect(await hasRecorder()).toBe(false)
  },
)

test(
  'Ctrl-C while a command attaches, or asks, leaves no inspector open in the process',
  slow,
  async () => {
    const target = await start(app('calm.mjs'))
    const args = [...cli, 'record', String(target.pid), '/dev/null', '--for', '600']
    const command = await start(args, { ready: '' })
    await target.wrote('Debugger listening')
    command.child.kill('SIGINT')
    expect(await command.ended()).toBe(130)
    // The standard input of this command is a pipe on which no answer comes.
    const asking = spawn(process.execPath, [...cli, 'cancel', String(target.pid), 'victim'])
    await once(asking.stdout, 'data')
    asking.kill('SIGINT')
    expect(await once(asking, 'close')).toEqual([130, null])
    expect(await listensOnNothing(target.pid)).toBe(true)
  },
)

test(
  'a command whose reader closes the pipe early exits with 0 and prints no error',
  slow,
  async () => {
    const target = await start(app('calm.mjs'))
    const child = spawn(process.execPath, [...cli, 'pstree', String(target.pid)])
    child.stdout.destroy()
    let error = ''
    child.stderr.on('data', (data: Buffer) => (error += data.toString()))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect({ code, error }).toEqual({ code: 0, error: '' })
    expect(listeningPorts(target.pid)).toEqual([])
  },
)

testWhere(existsSync('/dev/full'), 'there is no /dev/full')(
  'a command whose output cannot be written prints one line and exits with 1',
  slow,
  async () => {
    const target = await start(app('calm.mjs'))
    await using disk = await open('/dev/full', 'w')
    const child = spawn(process.execPath, [...cli, 'ps', String(target.pid)], {
      stdio: ['ignore', disk.fd, 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    let error = ''
    child.stderr?.on('data', (data: Buffer) => (error += data.toString()))
    expect(await once(child, 'close')).toEqual([1, null])
    expect(error).toMatch(/^tasktree: the output cannot be written: ENOSPC.*\n$/)
  },
)

test(
  'record reports a file that cannot be written before it attaches to the process',
  slow,
  async () => {
    const target = await start(app('calm.mjs'))
    const file = join(tmpdir(), 'no such folder', 'trace.json')
    const { code, out, error } = await tasktree(['record', target.pid, file, '--for', '600'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(error).toMatch(/^tasktree: .*trace\.json cannot be written: ENOENT.*\n$/)
    expect(target.output()).not.toContain('Debugger')
  },
)
