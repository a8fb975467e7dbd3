import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { makeProgram } from '../src/cli/program.ts'
import { schemaVersion } from '../src/store/schema.ts'
import { rowsOf, take } from './support/files.ts'
import { inFolder } from './support/folder.ts'
import { type Ended, runProgram } from './support/program.ts'
import { RawSocket } from './support/raw-socket.ts'
import { main, Served } from './support/served.ts'
import { testWhere } from '../../../vitest.skips.ts'

const slow = { tags: ['slow'] }

/** Returns a function that runs a command line against the server. */
function clientOf(served: Served, env: Record<string, string> = {}) {
  return (...words: string[]): Promise<Ended> =>
    runProgram(words, { JOBD_PORT: String(served.port), ...env })
}

const commands =
  'serve tree kill pause resume drain stats top add get wait list log attempts cancel retry requeue delete bulk kinds reload limit every schedules unschedule backup restore check'.split(
    ' ',
  )

test(
  'each command has its own --help, and the --help of the program lists all commands',
  slow,
  async () => {
    const program = makeProgram()
    expect(program.commands.map((command) => command.name()).toSorted()).toEqual(
      commands.toSorted(),
    )
    // Two of the helps are read from real processes. The others are what commander would print.
    const [all, serve] = await Promise.all([
      runProgram(['--help']),
      runProgram(['serve', '--help']),
    ])
    expect(serve).toMatchObject({ code: 0, err: '' })
    expect(serve?.out).toBe(helpOf(program, 'serve'))
    expect(all?.code).toBe(0)
    for (const name of commands) {
      expect(all?.out).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'))
      expect(helpOf(program, name)).toMatch(new RegExp(`^Usage: jobd ${name}\\b`))
    }
  },
)

function helpOf(program: Command, name: string): string | undefined {
  return program.commands.find((command) => command.name() === name)?.helpInformation()
}

test.for([
  'nonsense',
  'add',
  'add sleep 1 --priority high',
  'add sleep 1 --delay -1',
  'add sleep 1 --nonsense',
  'get',
  'get first',
  'get 0',
  'get 1 2',
  'list --state odd',
  'list --limit 0',
  'tree --port 65536',
  'tree --port -1',
  'tree --port 1e3',
  'serve --http x',
  'serve --workers 0',
  'serve --limit sleep',
  'serve --limit sleep=0',
  'serve --limit sleep=1/x',
  'serve --grace -5',
  'serve --port',
])('`%s` prints what is wrong with a usage line and exits with 2', slow, async (line) => {
  const { code, out, err } = await runProgram(line.split(' '))
  expect(out).toBe('')
  expect(err).toMatch(/^error: .+\nUsage: jobd .*\n$/)
  expect(code).toBe(2)
})

test(
  'a wrong port in the environment variable prints an error and exits with 2',
  slow,
  async () => {
    const { code, err } = await runProgram(['tree'], { JOBD_PORT: 'many' })
    expect(err).toContain('JOBD_PORT')
    expect(code).toBe(2)
  },
)

test('a client command does not load the code of the server', () => {
  const loaded = new Set<string>()
  const load = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    // The pattern matches only imports at the beginning of a line. A dynamic `import()` does not stand there.
    const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|} from) ?"(\.[^"]+)";$/gm)
    for (const [, path = ''] of imports) load(resolve(dirname(file), path))
  }
  load(main)
  expect(loaded.size).toBeGreaterThan(1)
  const using = [...loaded].filter((file) => readFileSync(file, 'utf8').includes('"node:sqlite"'))
  expect(using).toEqual([])
})

test('a client command without a server prints an error and exits with 1', slow, async () => {
  // The test takes a free port and gives it back, so that no server listens there.
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  taken.close()
  await once(taken, 'close')
  for (const words of [['list'], ['add', 'sleep', '1'], ['top'], ['tree']]) {
    const { code, out, err } = await runProgram([...words, '--port', String(port)])
    expect(err).toMatch(new RegExp(`^no server listens on 127.0.0.1:${port} .*\n$`))
    expect({ code, out }).toEqual({ code: 1, out: '' })
  }
})

test('commands add jobs, wait for them, list them and show them', slow, async () => {
  await using served = await Served.start()
  const jobd = clientOf(served)
  expect(await jobd('add', 'sleep', '1')).toEqual({ code: 0, out: '1\n', err: '' })
  expect(await jobd('wait', '1')).toEqual({ code: 0, out: 'slept 1 ms\n', err: '' })
  const failed = await jobd('add', 'shell', 'echo', 'alas;', 'exit 3', '--wait')
  expect(failed).toMatchObject({ code: 1, out: '' })
  expect(failed.err).toMatch(/^job 2 failed: exit code 3/)
  const list = await jobd('list')
  expect(list.out).toMatch(
    /^JOB +KIND +PAYLOAD +STATE +TRIES +RESULT\n2 +shell .* failed .*\n1 +sleep /,
  )
  expect((await jobd('list', '--state', 'done')).out).not.toContain('shell')
  expect(JSON.parse((await jobd('list', '--limit', '1', '--json')).out)).toMatchObject([{ id: 2 }])
  const got = await jobd('get', '1')
  expect(got.out).toMatch(/^state +done$/m)
  expect(JSON.parse((await jobd('get', '2', '--json')).out)).toMatchObject({ state: 'failed' })
  expect((await jobd('log', '2')).out).toBe('alas\n')
  expect((await jobd('stats')).out).toMatch(/^done +1$/m)
  for (const command of ['get', 'wait', 'log', 'cancel', 'retry']) {
    const { code, err } = await jobd(command, '99')
    expect(err).toMatch(/99|no such job/)
    expect(code).toBe(1)
  }
})

test('the options of `jobd add` reach the job', slow, async () => {
  await using served = await Served.start()
  const jobd = clientOf(served)
  const options = ['--priority', '-7', '--delay', '60000', '--timeout', '50', '--retries', '2']
  const { out } = await jobd('add', 'sleep', '1', ...options, '--key', 'once')
  expect((await jobd('add', 'sleep', '2', '--key', 'once')).out).toBe(out)
  expect(JSON.parse((await jobd('get', out.trim(), '--json')).out)).toMatchObject({
    priority: -7,
    delay: 60000,
    timeout: 50,
    retries: 2,
    key: 'once',
    state: 'queued',
  })
  const waited = await jobd('wait', out.trim(), '--timeout', '50')
  expect(waited.code).toBe(1)
  expect(waited.err).not.toBe('')
})

test('commands cancel a job and retry it', slow, async () => {
  await using served = await Served.start()
  const jobd = clientOf(served)
  await jobd('add', 'sleep', '60000')
  expect(await jobd('cancel', '1')).toMatchObject({ code: 0, out: 'job 1 is cancelled\n' })
  expect(await jobd('wait', '1')).toMatchObject({ code: 1 })
  expect(await jobd('retry', '1')).toMatchObject({ code: 0, out: 'job 1 is queued again\n' })
  expect(JSON.parse((await jobd('get', '1', '--json')).out).state).toMatch(/queued|running/)
})

test('commands show the tree and kill a part of it', slow, async () => {
  await using served = await Served.start('--workers', '2')
  const jobd = clientOf(served)
  const tree = await jobd('tree')
  expect(tree.out).toMatch(/^jobd {2}rest-for-one {2}running\n/)
  for (const id of ['store', 'scheduler', 'worker-2', 'metrics', 'listener', 'dashboard'])
    expect(tree.out).toContain(` ${id}  `)
  expect(await jobd('kill', 'workers/worker-1')).toMatchObject({ code: 0 })
  expect((await jobd('tree')).out).toContain('worker-1  actor  running  restarts 1')
  const nobody = await jobd('kill', 'nobody')
  expect(nobody.code).toBe(1)
  expect(nobody.err).toContain('nobody')
})

test(
  'commands need the password of the server, by option or environment variable',
  slow,
  async () => {
    await using served = await Served.start('--password', 'open sesame')
    const jobd = clientOf(served)
    expect(await jobd('list')).toMatchObject({ code: 1, out: '' })
    expect((await jobd('list', '--password', 'guess')).code).toBe(1)
    expect(await jobd('list', '--password', 'open sesame')).toMatchObject({ out: 'no jobs\n' })
    const withIt = clientOf(served, { JOBD_PASSWORD: 'open sesame' })
    expect(await withIt('list')).toMatchObject({ code: 0 })
  },
)

test('a server that cannot start prints why and exits with 1', slow, async () => {
  await using served = await Served.start()
  const db = `${served.folder}/other.sqlite`
  const taken = await runProgram(['serve', '--db', db, '--port', String(served.port)])
  expect(taken.code).toBe(1)
  expect(taken.err).toMatch(/^jobd could not start: .*in use.*:\d+\n$/)
  const { port } = new URL(served.page)
  const http = await runProgram(['serve', '--db', db, '--port', '0', '--http', port])
  expect(http.code).toBe(1)
  expect(http.err).toMatch(/^jobd could not start: .*in use.*:\d+\n$/)
  const open = await runProgram(['serve', '--db', db, '--port', '0', '--host', '0.0.0.0'])
  expect(open.code).toBe(1)
  expect(open.err).toContain('password')
})

test('SIGTERM ends the server after its running jobs, with code 0', slow, async () => {
  await using served = await Served.start()
  expect(await served.stop()).toBe(0)
})

/** Starts a server with a long grace period and a job that runs until the file `gate` exists. */
async function serveJob(...options: string[]): Promise<{ served: Served; gate: string }> {
  const served = await Served.start('--grace', '600000', ...options)
  const [begun, gate] = [join(served.folder, 'begun'), join(served.folder, 'gate')]
  await using client = await RawSocket.open(served.port)
  client.send(`JOB.ADD shell "touch '${begun}'; until [ -e '${gate}' ]; do sleep 0.02; done"\r\n`)
  await client.until(':1\r\n')
  await expect.poll(() => existsSync(begun)).toBe(true)
  return { served, gate }
}

const jobOf = (served: Served): unknown =>
  rowsOf(join(served.folder, 'jobs.sqlite'), 'SELECT state, deaths FROM jobs')[0]

test(
  'SIGTERM again and again queues running jobs again at once, and counts no death of the server for them',
  slow,
  async () => {
    const { served } = await serveJob()
    await using _ = served
    await using client = await RawSocket.open(served.port)
    const signals = setInterval(() => served.signal('SIGTERM'), 50)
    await client.untilClosed()
    clearInterval(signals)
    expect(await served.ended()).toBe(0)
    expect(jobOf(served)).toEqual({ state: 'queued', deaths: 0 })
  },
)

test(
  'two SIGTERM at the same time, as a launcher sends them, let running jobs end',
  slow,
  async () => {
    const { served, gate } = await serveJob()
    await using _ = served
    served.signal('SIGTERM')
    served.signal('SIGTERM')
    const isUp = (): Promise<boolean> =>
      fetch(served.page).then(
        () => true,
        () => false,
      )
    await expect.poll(isUp).toBe(false)
    await writeFile(gate, '')
    expect(await served.ended()).toBe(0)
    expect(jobOf(served)).toEqual({ state: 'done', deaths: 0 })
  },
)

test.for(['human', 'json'])(
  'a server with the log format %s goes on when no program reads its log any more',
  slow,
  async (format) => {
    const { served, gate } = await serveJob('--log', format)
    await using _ = served
    served.stopReading()
    await using client = await RawSocket.open(served.port)
    for (let i = 0; i < 3; i++) await client.send('ACTOR.KILL dashboard\r\n').until('+OK\r\n')
    await writeFile(gate, '')
    await client.send('JOB.WAIT 1\r\n').until('\r\n')
    expect(await served.stop()).toBe(0)
    expect(jobOf(served)).toEqual({ state: 'done', deaths: 0 })
  },
)

const full = '/dev/full'
const testWhereFull = testWhere(existsSync(full), `there is no ${full}`)

testWhereFull(
  'a command whose output does not fit on the disk exits with an error',
  slow,
  async () => {
    await inFolder(async (folder) => {
      const file = join(folder, 'jobs')
      ;(await take(file)).release()
      await using disk = await open(full, 'w')
      const { status, stderr } = spawnSync(process.execPath, [main, 'check', '--db', file], {
        stdio: ['ignore', disk.fd, 'pipe'],
      })
      expect(status).toBe(1)
      expect(String(stderr)).toBe(
        'the output cannot be written: ENOSPC: no space left on device, write\n',
      )
    })
  },
)

test('`jobd check` checks the file that it is given, as an argument or with --db', slow, () =>
  inFolder(async (folder) => {
    const file = join(folder, 'jobs')
    ;(await take(file)).release()
    const check = (...words: string[]): string => {
      const { stdout, stderr } = spawnSync(process.execPath, [main, 'check', ...words], {
        cwd: folder,
        encoding: 'utf8',
      })
      return `${stdout}${stderr}`
    }
    expect(check(file)).toBe(`${file} is whole: schema ${schemaVersion}, no jobs\n`)
    expect(check('--db', file)).toBe(check(file))
    expect(check()).toBe('there is no file jobd.sqlite\n')
  }),
)

test('`jobd top` prints once and ends if its output is not a terminal', slow, async () => {
  await using served = await Served.start()
  const jobd = clientOf(served)
  await jobd('add', 'sleep', '1', '--wait')
  const { code, out } = await jobd('top')
  expect(code).toBe(0)
  expect(out).toMatch(/^jobd {2}queued 0 {2}running 0 {2}done 1 {2}failed 0 {2}cancelled 0/)
  expect(out).toMatch(/^1 +sleep +1 +done/m)
})

// The program `script` of util-linux runs a program on a new terminal.
const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0
const testInTerminal = testWhere(hasTerminal, "util-linux's script is not installed")

testInTerminal.for([
  ['q', 'q'],
  ['Ctrl-C', '\u0003'],
])('`jobd top` in a terminal redraws until %s ends it', slow, async ([, key]) => {
  await using served = await Served.start()
  const command = `stty cols 100 rows 30; "${process.execPath}" "${main}" top --interval 100 --port ${served.port}`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: 'pipe',
    env: { PATH: process.env['PATH'], NO_COLOR: '1', TERM: 'xterm' },
    timeout: 100_000,
  })
  let [out, looks] = ['', 0]
  const closed = once(child, 'close')
  for await (const chunk of child.stdout) {
    out += String(chunk)
    if (looks === 0 && out.includes('queued 0')) {
      looks++
      await clientOf(served)('add', 'sleep', '60000', '--delay', '60000')
    } else if (looks === 1 && out.includes('queued 1')) {
      looks++
      child.stdin.write(key)
    }
  }
  await closed
  expect(child.exitCode).toBe(0)
  // The last escape sequence about the cursor shows it again.
  expect(out.lastIndexOf('\u001B[?25h')).toBeGreaterThan(out.lastIndexOf('\u001B[?25l'))
})

test(
  'control characters in the output of a job are escaped on the terminal, and JSON has numbers as numbers',
  slow,
  async () => {
    await using served = await Served.start()
    const jobd = clientOf(served)
    const command = String.raw`printf '\033]0;owned\007\302\233 one\n\ttwo'`
    await jobd('add', 'shell', command)
    await jobd('wait', '1')
    await jobd('add', 'shell', `${command}; exit 3`)
    await jobd('wait', '2')
    const foreign = ['wait 1', 'get 1', 'list', 'list --json', 'get 1 --json', 'tree', 'stats']
    for (const line of [...foreign, 'wait 2', 'get 2']) {
      const { out, err } = await jobd(...line.split(' '))
      // oxlint-disable-next-line eslint/no-control-regex -- the output must not contain these control characters
      expect([line, (out + err).match(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/)]).toEqual([
        line,
        null,
      ])
    }
    expect((await jobd('wait', '1')).out).toBe('\\x1b]0;owned\\x07\\x9b one\n\ttwo\n')
    // `jobd log` with a pipe as its output prints the output of the job unchanged.
    expect((await jobd('log', '1')).out).toContain('\u001B]0;owned\u0007')
    const numbers = (record: object): string[] =>
      Object.entries(record).flatMap(([name, value]) => (typeof value === 'number' ? [name] : []))
    expect(numbers(JSON.parse((await jobd('get', '1', '--json')).out) as object)).toEqual([
      'id',
      'priority',
      'delay',
      'timeout',
      'retries',
      'attempts',
      'deaths',
      'createdAt',
      'notBefore',
      'startedAt',
      'endedAt',
    ])
    const stats = JSON.parse((await jobd('stats', '--json')).out) as Record<string, unknown>
    expect(numbers(stats)).toEqual(Object.keys(stats).filter((name) => name !== 'paused'))
  },
)

test('commands pause, requeue and drain jobs, and act on jobs in bulk', slow, async () => {
  await using served = await Served.start()
  const jobd = clientOf(served)
  const said = async (line: string): Promise<string> => (await jobd(...line.split(' '))).out
  expect(await said('pause shell')).toBe('shell is paused\n')
  await said('add shell true')
  expect(await said('list --state queued')).toContain('shell')
  expect(await said('resume')).toBe('every kind is resumed\n')
  await said('wait 1')
  expect(await said('requeue 1')).toBe('job 1 is queued again\n')
  await said('wait 1')
  expect(await said('drain')).toMatch(/^no job runs/)
  expect(await jobd('bulk', 'delete')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^error: say which jobs/),
  })
  expect(await said('bulk delete --state done --older 1h')).toBe('delete: 0 jobs\n')
  expect(await said('bulk delete --kind shell')).toBe('delete: 1 job\n')
  expect((await jobd('bulk', 'delete', '--older', '1 week')).code).toBe(2)
})

test('commands show the output of each attempt, and a table of all attempts', slow, async () => {
  await using served = await Served.start()
  const jobd = clientOf(served)
  const lines = join(served.folder, 'lines')
  await jobd(
    'add',
    'shell',
    `echo line >> ${lines}; cat -n ${lines}; exit 3`,
    '--retries',
    '1',
    '--wait',
  )
  expect((await jobd('log', '1')).out).toBe('     1\tline\n     2\tline\n')
  expect((await jobd('log', '1', '--attempt', '1')).out).toBe('     1\tline\n')
  expect(await jobd('log', '1', '--attempt', '3')).toMatchObject({
    code: 1,
    err: 'job 1 has had 2 attempts\n',
  })
  const table = (await jobd('attempts', '1')).out
  expect(table).toMatch(
    /^ATTEMPT +STATE +BEGAN +ENDED +BYTES +ERROR\n1 +failed +\d{4}-\S+Z +\S+Z +12 +exit code 3/,
  )
  const attempts = JSON.parse((await jobd('attempts', '1', '--json')).out) as object[]
  expect(attempts).toMatchObject([
    { attempt: 1, state: 'failed', outputSize: 12, startedAt: expect.any(Number) },
    { attempt: 2, state: 'failed', outputSize: 24, endedAt: expect.any(Number) },
  ])
  expect((await jobd('attempts', '7')).err).toBe('there is no job 7\n')
  expect((await jobd('add', 'sleep', '1', '--delay', '60000')).out).toBe('2\n')
  expect((await jobd('attempts', '2')).out).toBe('job 2 has not begun yet\n')
})

test.for([
  ['throw new Error("on purpose")', 'cannot be loaded: on purpose'],
  ['export default {', 'cannot be loaded: '],
  ['import "./nowhere.ts"', 'cannot be loaded: '],
  ['export default {}', 'must have a default export that defineKinds has made'],
])(
  '`jobd serve` with a module of kinds that cannot be used prints one line and ends: %s',
  slow,
  ([text, message]) =>
    inFolder(async (folder) => {
      const module = join(folder, 'kinds.ts')
      await writeFile(module, text as string)
      const { code, out, err } = await runProgram([
        'serve',
        '--db',
        join(folder, 'db'),
        '--port',
        '0',
        '--kinds',
        module,
      ])
      expect([code, out]).toEqual([1, ''])
      expect(err).toMatch(/^jobd could not start: [^\n]*kinds\.ts [^\n]*\n$/)
      expect(err).toContain(message)
    }),
)

test(
  'secrets come from the environment or from files, and each client has its own name in the log',
  slow,
  async () => {
    await inFolder(async (folder) => {
      const [password, tokens] = [join(folder, 'password'), join(folder, 'tokens')]
      await writeFile(password, 'shared\n')
      await writeFile(tokens, '# who may do what\nann:one\n\nbob:two:three\n')
      await using served = await Served.start('--password-file', password, '--token-file', tokens)
      const jobd = clientOf(served)
      expect((await jobd('stats')).err).toMatch(/^NOAUTH: .*--password/)
      for (const secret of ['shared', 'one', 'two:three'])
        expect((await jobd('stats', '--password', secret)).code).toBe(0)
      expect((await jobd('stats', '--password-file', password)).code).toBe(0)
      expect((await jobd('stats', '--password', 'two')).code).toBe(1)
      expect((await jobd('stats', '--password-file', join(folder, 'nothing'))).err).toMatch(
        /nothing cannot be read: ENOENT/,
      )
      const wrong = await runProgram(['serve', '--db', join(folder, 'db'), '--token', 'nameless'])
      expect(wrong).toMatchObject({
        code: 1,
        err: expect.stringContaining('a token is a name and'),
      })
    })
  },
)

testInTerminal(
  'a log that goes to a file has no colours, even if the output is a terminal',
  slow,
  async () => {
    await using served = await Served.start()
    const [db, log] = [join(served.folder, 'jobs.sqlite'), join(served.folder, 'log')]
    // Another server uses the file, so this server first logs a warning.
    const command = `"${process.execPath}" "${main}" serve --db "${db}" --wait-lock 50 2>"${log}"`
    spawnSync('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env['PATH'], TERM: 'xterm' },
    })
    expect(readFileSync(log, 'utf8')).toMatch(/^\S+Z warn server: .* is in use by process/)
  },
)

testInTerminal('`jobd top` fits into a terminal with 80 columns', slow, async () => {
  await using served = await Served.start('--workers', '8')
  await clientOf(served)('add', 'shell', `echo ${'long '.repeat(60)}`, '--wait')
  const command = `stty cols 80 rows 40; "${process.execPath}" "${main}" top --interval 100 --port ${served.port}`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: 'pipe',
    env: { PATH: process.env['PATH'], NO_COLOR: '1', TERM: 'xterm' },
    timeout: 100_000,
  })
  let [out, isTold] = ['', false]
  const closed = once(child, 'close')
  for await (const chunk of child.stdout) {
    out += String(chunk)
    // The key is sent only once, because the terminal echoes keys that come after the program has ended.
    if (!isTold && out.includes('done 1') && out.includes('PAYLOAD')) {
      isTold = true
      child.stdin.write('q')
    }
  }
  await closed
  // Only the first screen is checked. Each later screen begins with an escape sequence that clears the one before.
  const lines = stripVTControlCharacters(out.split('\u001B[2K')[0] ?? '').split(/\r?\n/)
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(out).toContain('cancelled 0')
})
