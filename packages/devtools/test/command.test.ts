import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { attach, type TraceEvent } from '@tasktree/devtools'
import { listeningPorts } from '../src/target.ts'
import { app, lineOf, listensOnNothing, start, tasktree } from './support.ts'

const slow = { timeout: 60_000 }

test(
  'pstree shows a process in a busy loop with the lines of its waits, and the process goes on',
  slow,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'busy-'))
    const freed = join(folder, 'freed')
    const ended = join(folder, 'ended')
    const target = await start(app('busy.mjs', freed, ended))
    const { code, out, error } = await tasktree(['pstree', target.pid])
    expect(error).toBe('')
    expect(code).toBe(0)
    expect(target.output()).not.toContain('free')
    expect(out).toMatch(new RegExp(`running now: spinner\n.*${lineOf('busy.mjs', 'spin')}`))
    expect(out).toContain(`lock 'db' (held by task 'migrate') at ${lineOf('busy.mjs', 'worker')}`)
    expect(out).toMatch(/├─ worker-3 #\d+ {2}waiting .*\[timeout, 1\d min( \d+ s)? left\]/)
    writeFileSync(freed, '')
    await target.wrote('free')
    expect(await listensOnNothing(target.pid)).toBe(true)
    writeFileSync(ended, '')
    await target.wrote('done')
    expect(await target.ended()).toBe(0)
    rmSync(folder, { recursive: true })
  },
)

test('ps lists tasks, why explains the wait of a task, and --json prints JSON', slow, async () => {
  const target = await start(app('calm.mjs'))
  const { out } = await tasktree(['ps', target.pid])
  expect(out).toMatch(/^ID +STATE +AGE +NAME +WAITS FOR\n/)
  expect(out).toMatch(/\d+ +waiting +\d+ ms|\d s +consumer +queue 'jobs' \(to get an item, 0 in it/)
  expect((await tasktree(['why', target.pid, 'consumer'])).out).toBe(
    "consumer waits for queue 'jobs' (to get an item, 0 in it, 1 in line)\n",
  )
  expect(await tasktree(['why', target.pid, 'nobody'])).toEqual({
    code: 1,
    out: '',
    error: `tasktree: process ${target.pid} has no live task nobody\n`,
  })
  const threads = JSON.parse((await tasktree(['pstree', target.pid, '--json'])).out) as {
    thread: string
    loops: { tasks: { name: string }[] }[]
  }[]
  expect(threads.map(({ thread }) => thread)).toEqual(['main'])
  expect(threads[0]?.loops[0]?.tasks.map(({ name }) => name)).toContain('victim')
  expect(await listensOnNothing(target.pid)).toBe(true)
})

test('pstree shows the tasks of a worker thread under the thread', slow, async () => {
  const target = await start(app('calm.mjs', 'worker'))
  const { out } = await tasktree(['pstree', target.pid])
  expect(out).toMatch(/^process \d+, .*crunch.*$/m)
  expect(out).toMatch(/in-the-worker #\d+ {2}waiting/)
  expect((await tasktree(['why', target.pid, 'in-the-worker'])).out).toBe(
    'in-the-worker sleeps until it is cancelled\n',
  )
})

test(
  'why works for two processes at once, and leaves no port of an inspector open',
  slow,
  async () => {
    const [first, second] = await Promise.all([start(app('calm.mjs')), start(app('calm.mjs'))])
    const results = await Promise.all(
      [first, second].map(async ({ pid }) => tasktree(['why', pid, 'victim'])),
    )
    for (const result of results) {
      expect(result).toEqual({ code: 0, out: 'victim sleeps until it is cancelled\n', error: '' })
    }
    expect(await listensOnNothing(first.pid)).toBe(true)
    expect(await listensOnNothing(second.pid)).toBe(true)
  },
)

test(
  'an inspector that was open before a command stays open, with its debugger attached',
  slow,
  async () => {
    const target = await start(['--inspect=127.0.0.1:0', ...app('calm.mjs')])
    const [port] = listeningPorts(target.pid)
    const response = await fetch(`http://127.0.0.1:${port}/json/list`)
    const [{ webSocketDebuggerUrl } = { webSocketDebuggerUrl: '' }] = (await response.json()) as {
      webSocketDebuggerUrl: string
    }[]
    const socket = new WebSocket(webSocketDebuggerUrl)
    await new Promise((resolve) => socket.once('open', resolve))
    expect((await tasktree(['why', target.pid, 'victim'])).code).toBe(0)
    expect(listeningPorts(target.pid)).toEqual([port])
    const answer = new Promise<string>((resolve) => {
      socket.once('message', (data) => resolve((data as Buffer).toString()))
    })
    socket.send(
      JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: '6 * 7' } }),
    )
    expect(JSON.parse(await answer)).toMatchObject({ result: { result: { value: 42 } } })
    socket.terminate()
  },
)

test('a process to which a command cannot attach is reported in one line', slow, async () => {
  const sleeper = await start(['600'], { command: 'sleep', ready: '' })
  const deaf = await start(['--disable-sigusr1', ...app('calm.mjs')])
  const bare = await start(['-e', 'console.log("ready"); setInterval(() => {}, 1e6)'])
  const failures = [
    [sleeper.pid, 'is not Node (it is sleep'],
    [deaf.pid, 'does not handle SIGUSR1: it was started with --disable-sigusr1'],
    [bare.pid, 'has no Tasktree in it (@tasktree/core is not loaded)'],
    [2 ** 22 + 1, 'there is no process'],
  ] as const
  for (const [pid, text] of failures) {
    const { code, out, error } = await tasktree(['ps', pid])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(error).toContain(text)
    expect(error.split('\n')).toHaveLength(2)
  }
  // All three processes still run.
  for (const { child } of [sleeper, deaf, bare])
    expect(child.exitCode ?? child.signalCode).toBe(null)
  expect(await listensOnNothing(bare.pid)).toBe(true)
})

test(
  'a process of another user is refused with both user ids',
  { ...slow, skip: process.geteuid?.() !== 0 },
  async () => {
    const { readFileSync: read } = await import('node:fs')
    const { checkTarget } = await import('../src/target.ts')
    const own = process.geteuid?.bind(process)
    const target = await start(app('calm.mjs'))
    // With this mock, the check acts as if the user were not root.
    process.geteuid = () => 65_534
    try {
      expect(() => checkTarget(target.pid)).toThrow(
        `process ${target.pid} belongs to another user (uid 0, yours is 65534)`,
      )
    } finally {
      if (own !== undefined) process.geteuid = own
    }
    expect(read(`/proc/${target.pid}/comm`, 'utf8')).toContain('node')
  },
)

test('a process that ends while a command is attached is reported as ended', slow, async () => {
  const target = await start(app('calm.mjs'))
  const attached = await attach(target.pid)
  const answer = attached.main.evaluate('while (true) {}')
  setTimeout(() => target.child.kill('SIGKILL'), 50)
  await expect(answer).rejects.toThrow(
    `process ${target.pid} has ended, or has closed its inspector`,
  )
  await attached[Symbol.asyncDispose]()
})

test('cancel needs a confirmation, and prints which task has ended', slow, async () => {
  const target = await start(app('calm.mjs'))
  const refused = await tasktree(['cancel', target.pid, 'victim'])
  expect(refused.code).not.toBe(0)
  expect((await tasktree(['why', target.pid, 'victim'])).code).toBe(0)
  const { code, out } = await tasktree(['cancel', target.pid, 'victim', '--yes'])
  expect(code).toBe(0)
  expect(out).toMatch(/^ended: #\d+ victim$/m)
  expect((await tasktree(['why', target.pid, 'victim'])).error).toContain('has no live task victim')
})

test(
  'cancel does not find a task that has ended, even if others wait for its lock',
  slow,
  async () => {
    const target = await start(app('kept-locks.mjs'))
    expect((await tasktree(['cancel', target.pid, 'leaver', '--yes'])).error).toContain(
      'has no live task leaver',
    )
    const { out } = await tasktree(['cancel', target.pid, 'keeper', '--yes'])
    expect(out).toMatch(/^ended: #\d+ keeper\n$/)
    expect((await tasktree(['why', target.pid, 'heir of keeper'])).out).toContain('keeper')
  },
)

test(
  'record writes a trace in the trace event format, with a cancel as an arrow',
  slow,
  async () => {
    const target = await start(app('calm.mjs'))
    const folder = mkdtempSync(join(tmpdir(), 'tasktree-'))
    try {
      const file = join(folder, 'trace.json')
      const { code, out } = await tasktree(['record', target.pid, file, '--for', '1'])
      expect(out).toMatch(/^\d+ events in /)
      expect(code).toBe(0)
      const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as {
        traceEvents: TraceEvent[]
      }
      checkFormat(traceEvents)
      const names = traceEvents.filter(({ ph }) => ph === 'M').map(({ args }) => args?.['name'])
      expect(names).toEqual(expect.arrayContaining(['ticker', 'canceller', 'short', 'consumer']))
      expect(traceEvents.some(({ name }) => name === "queue 'jobs'")).toBe(true)
      const tracks = new Map(
        traceEvents.filter(({ ph }) => ph === 'M').map((each) => [each.tid, each.args?.['name']]),
      )
      const begin = traceEvents.find(({ ph }) => ph === 's') as TraceEvent
      const end = traceEvents.find(({ ph, id }) => ph === 'f' && id === begin.id) as TraceEvent
      expect([tracks.get(begin.tid), tracks.get(end.tid)]).toEqual(['canceller', 'short'])
    } finally {
      rmSync(folder, { recursive: true })
    }
    expect(await listensOnNothing(target.pid)).toBe(true)
  },
)

/** Checks the rules of the trace event format for the kinds of events that the command writes. */
function checkFormat(events: readonly TraceEvent[]): void {
  const slices = events.filter(({ ph }) => ph === 'X')
  const open = new Map<number, number>()
  for (const event of events) {
    expect(typeof event.name).toBe('string')
    expect(Number.isInteger(event.pid) && Number.isInteger(event.tid)).toBe(true)
    expect(Number.isFinite(event.ts) && event.ts >= 0).toBe(true)
    if (event.ph === 'M') expect(event.args).toHaveProperty('name')
    if (event.ph === 'X') expect(event.dur).toBeGreaterThan(0)
    if (event.ph === 's') open.set(event.id as number, event.ts)
    if (event.ph === 'f') expect(open.get(event.id as number)).toBeLessThanOrEqual(event.ts)
    // The beginning and the end of an arrow must be inside of a slice of the same thread.
    if (event.ph !== 's' && event.ph !== 'f') continue
    const around = slices.filter(
      ({ tid, ts, dur = 0 }) => tid === event.tid && ts <= event.ts && event.ts <= ts + dur,
    )
    expect(around.length).toBeGreaterThan(0)
  }
}
