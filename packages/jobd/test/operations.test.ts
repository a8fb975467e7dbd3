import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { Agent, request as httpsRequest } from 'node:https'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { runVirtual } from '@tasktree/core/testing'
import { CancelledError, gather, getEventLoop, sleep } from '@tasktree/core'
import type { Logger } from '@tasktree/actor'
import { expect, test } from 'vitest'
import { TrustedProxies } from '../src/dashboard/trusted-proxies.ts'
import { describeError } from '../src/jobs/describe-error.ts'
import { LineLog } from '../src/log/server-log.ts'
import { Credentials } from '../src/server/credentials.ts'
import { inFolder } from './support/folder.ts'
import { inJobd, until } from './support/in-jobd.ts'
import { RawSocket } from './support/raw-socket.ts'
import { open, pageHeaders, send } from './support/request.ts'
import { Served } from './support/served.ts'
import { testWhere } from '../../../vitest.skips.ts'

const slow = { tags: ['slow'] }

test('a login with the right secret is not held up by wrong guesses from elsewhere', () =>
  runVirtual(async () => {
    const credentials = new Credentials([
      { name: 'ann', secret: 'one' },
      { name: 'bob', secret: 'two' },
    ])
    const guess = (address: string) => () => credentials.logIn(address, 'wrong')
    const loop = getEventLoop()
    const guesses = gather(
      Array.from({ length: 2_000 }, (_, i) => guess(i % 2 === 0 ? '10.0.0.1' : '10.0.0.2')),
    )
    await sleep(0)
    expect(await credentials.logIn('10.0.0.3', 'two')).toBe('bob')
    expect(loop.time()).toBe(0)
    expect(await credentials.logIn('10.0.0.1', 'one')).toBe('ann')
    expect(loop.time()).toBe(2_000)
    expect(await credentials.logIn('10.0.0.3', 'two', 'ann')).toBeNull()
    expect(new Set(await guesses)).toEqual(new Set([null]))
  }))

test('each wrong guess delays the next logins from its address, or from its network in IPv6', () =>
  runVirtual(async () => {
    const loop = getEventLoop()
    const credentials = new Credentials([{ name: 'ann', secret: 'one' }])
    const time = async (address: string, secret: string): Promise<number> => {
      const begun = loop.time()
      await credentials.logIn(address, secret)
      return loop.time() - begun
    }
    expect(await time('::1', 'one')).toBe(0)
    expect(await time('2001:db8:1:2::1', 'no')).toBe(250)
    for (let i = 0; i < 12; i++) await time(`2001:db8:1:2::${i}`, 'no')
    expect(await time('2001:db8:1:2::ffff', 'no')).toBe(2_000)
    expect(await time('2001:db8:1:2::ffff', 'one')).toBe(2_000)
    expect(await time('2001:db8:1:3::1', 'one')).toBe(0)
  }))

test.for([
  [[{ name: 'a b', secret: 'x' }], /a token's name has/],
  [[{ name: '', secret: 'x' }], /a token's name has/],
  [[{ name: 'a', secret: '' }], /the secret of a is empty/],
  [
    [
      { name: 'a', secret: 'x' },
      { name: 'a', secret: 'y' },
    ],
    /two tokens named a/,
  ],
] as const)('wrong tokens are refused: %j', ([tokens, message]) => {
  expect(() => new Credentials(tokens)).toThrow(message)
})

/** Makes a logger that keeps its lines, except for warnings about slow parts: on a busy machine any part may be slow. */
function keepingLog(): { lines: string[]; log: Logger } {
  const lines: string[] = []
  const keep = (line: string): void => {
    if (!line.includes('kept the thread')) lines.push(line)
  }
  return { lines, log: new LineLog('json', keep) }
}

test(
  'the audit log names the client and the target of each kill, cancel, retry and pause',
  slow,
  async () => {
    const { lines, log } = keepingLog()
    await inJobd(
      async ({ jobd, client, add }) => {
        const id = await add('sleep', '60000')
        await using socket = await RawSocket.open(jobd.port)
        socket.send('AUTH ann sesame\r\n')
        await socket.until('+OK\r\n')
        socket.send(`JOB.CANCEL ${id}\r\n`)
        await socket.until('+OK\r\n')
        await client.command('JOB.RETRY', id)
        await client.command('JOB.PAUSE', 'sleep')
        await client.command('ACTOR.KILL', 'workers/worker-1')
        await expect(client.command('JOB.CANCEL', 99)).rejects.toThrow('there is no job')
      },
      { logger: log, tokens: [{ name: 'ann', secret: 'sesame' }], password: 'shared' },
    )
    const entries = lines.map((line) => JSON.parse(line) as Record<string, string>)
    expect(entries.filter(({ level }) => level === 'audit')).toEqual(
      [
        ['ann', 'JOB.CANCEL 1'],
        ['default', 'JOB.RETRY 1'],
        ['default', 'JOB.PAUSE sleep'],
        ['default', 'ACTOR.KILL workers/worker-1'],
      ].map(([name, action]) => ({
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        level: 'audit',
        part: 'server',
        message: `${name} at 127.0.0.1: ${action}`,
        who: `${name} at 127.0.0.1`,
        action,
      })),
    )
    expect(entries.find(({ level }) => level === 'warn')).toMatchObject({
      part: 'workers/worker-1',
      message: expect.stringContaining('restarting /jobd/workers/worker-1'),
    })
  },
)

test('control characters in a log line for people are escaped', () => {
  const lines: string[] = []
  const log = new LineLog('human', (line) => lines.push(line))
  log.audit('ann', 'JOB.PAUSE \u001B]0;owned\u0007')
  log.error('/jobd/store crashed', new Error('alas'))
  expect(lines[0]).toContain('JOB.PAUSE \\x1b]0;owned\\x07')
  expect(lines[1]).toContain('store: /jobd/store crashed: alas\nError: alas')
})

test(
  'a client that leaves in the middle of an answer is not logged as a failure',
  slow,
  async () => {
    const { lines, log } = keepingLog()
    await inJobd(
      async ({ jobd, add, client }) => {
        const id = await add('shell', 'head -c 1000000 /dev/zero | tr "\\0" x')
        await client.command('JOB.WAIT', id)
        for (let i = 0; i < 20; i++) {
          const socket = connect(jobd.port, '127.0.0.1')
          await once(socket, 'connect')
          socket.write(`JOB.LOG ${id}\r\n`.repeat(20))
          if (i % 2 === 0) socket.resetAndDestroy()
          else {
            await once(socket, 'data')
            socket.destroy()
          }
        }
        await client.command('PING')
      },
      { logger: log },
    )
    expect(lines).toEqual([])
  },
)

test(
  'a browser that leaves in the middle of its request is not logged as a failure',
  slow,
  async () => {
    const { lines, log } = keepingLog()
    await inJobd(
      async ({ jobd }) => {
        const page = `http://127.0.0.1:${jobd.httpPort}`
        const headers = Object.entries({ ...(await pageHeaders(page)), 'Content-Length': '99' })
        for (let i = 0; i < 10; i++) {
          const socket = connect(jobd.httpPort, '127.0.0.1')
          await once(socket, 'connect')
          const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
          socket.write(
            `POST /jobs HTTP/1.1\r\nHost: 127.0.0.1:${jobd.httpPort}\r\nExpect: 100-continue\r\n${lines}\r\n{`,
          )
          // The server is about to read the rest.
          await once(socket, 'data')
          if (i % 2 === 0) socket.resetAndDestroy()
          else socket.destroy()
        }
        expect((await send(page)).status).toBe(200)
      },
      { logger: log },
    )
    expect(lines).toEqual([])
  },
)

test('health checks and HEAD requests are answered for any host name', slow, async () => {
  await using served = await Served.start('--password', 'sesame')
  const headers = { Host: 'jobs.internal' }
  for (const path of ['healthz', 'readyz'])
    expect(await send(`${served.page}/${path}`, { headers })).toMatchObject({
      status: 200,
      text: 'ok\n',
    })
  for (const [path, status] of [
    ['', 401],
    ['healthz', 200],
    ['style.css', 200],
    ['jobs', 401],
    ['events', 401],
  ] as const) {
    const answer = await send(`${served.page}/${path}`, { method: 'HEAD' })
    expect([path, answer.status, answer.text]).toEqual([path, status, ''])
  }
  const bearer = { Authorization: 'Bearer sesame' }
  const stream = await send(`${served.page}/events`, { method: 'HEAD', headers: bearer })
  expect([stream.status, stream.text]).toEqual([200, ''])
})

test('a server whose listener is stopped answers 503 to readiness checks', slow, () =>
  inJobd(async ({ jobd }) => {
    const page = `http://127.0.0.1:${jobd.httpPort}`
    expect((await send(`${page}/readyz`)).status).toBe(200)
    await jobd.system.root.stopChild('listener')
    expect(await send(`${page}/readyz`)).toMatchObject({
      status: 503,
      text: 'the listener is not running\n',
    })
    expect((await send(`${page}/healthz`)).status).toBe(200)
  }),
)

test(
  'a program with a bearer token reads and changes jobs by HTTP without the page',
  slow,
  async () => {
    await using served = await Served.start('--token', 'ci:sesame')
    const headers = { Authorization: 'Bearer sesame', Host: 'jobs.internal' }
    const body = JSON.stringify({ kind: 'sleep', payload: '0' })
    const added = await send(`${served.page}/jobs`, { method: 'POST', headers, body })
    expect(added).toMatchObject({ status: 200, text: '{"id":1}' })
    expect((await send(`${served.page}/jobs/1`, { headers })).status).toBe(200)
    const wrong = { ...headers, Authorization: 'Bearer wrong' }
    expect((await send(`${served.page}/jobs/1`, { headers: wrong })).status).toBe(401)
    expect(
      (await send(`${served.page}/jobs`, { method: 'POST', headers: wrong, body })).status,
    ).toBe(403)
  },
)

/** A line of Prometheus' text format. Source: prometheus.io/docs/instrumenting/exposition_formats */
const exposition =
  /^(# (HELP|TYPE) [a-zA-Z_:][\w:]* .+|[a-zA-Z_:][\w:]*(\{([a-zA-Z_]\w*="(\\.|[^"\\])*",?)*\})? (-?\d+(\.\d+)?(e[+-]?\d+)?|NaN|[+-]Inf))$/

test('the metrics for Prometheus are well formed and count what happened', slow, () =>
  inJobd(async ({ jobd, client, add, wait }) => {
    await wait(await add('sleep', '20'))
    await wait(await add('shell', 'sleep 0.05; exit 1'))
    await add('sleep', '0', 'DELAY', '3600000')
    await client.command('JOB.PAUSE', 'hash')
    await client.command('ACTOR.KILL', 'workers/worker-2')
    let text = ''
    await until(async () => {
      const answer = await send(`http://127.0.0.1:${jobd.httpPort}/metrics`)
      expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
      text = answer.text
      return text.includes('jobd_jobs_total{event="done"} 1')
    })
    for (const line of text.split('\n').filter((each) => each !== ''))
      expect(line).toMatch(exposition)
    for (const line of [
      'jobd_jobs{state="queued"} 1',
      'jobd_jobs{state="failed"} 1',
      'jobd_jobs_total{event="added"} 3',
      'jobd_jobs_total{event="failed"} 1',
      'jobd_attempt_duration_seconds_count 2',
      'jobd_attempt_duration_seconds_bucket{le="0.01"} 0',
      'jobd_paused{kind="hash"} 1',
      'jobd_restarts_total{part="/jobd/workers/worker-2"} 1',
    ])
      expect(text.split('\n')).toContain(line)
  }),
)

test('the text of an error has the messages of its causes', () => {
  const refused = Object.assign(
    new AggregateError(
      [new Error('connect ECONNREFUSED ::1:1'), new Error('connect ECONNREFUSED 127.0.0.1:1')],
      '',
    ),
    { code: 'ECONNREFUSED' },
  )
  expect(describeError(new TypeError('fetch failed', { cause: refused }))).toBe(
    'fetch failed: ECONNREFUSED: connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1',
  )
  const circle = new Error('a')
  circle.cause = circle
  expect(describeError(circle)).toBe('a')
  expect(describeError('thrown')).toBe('thrown')
  // The CancelledError by which a time limit interrupts the work is not part of the description.
  const interrupted = new Error('the time allowed has passed', { cause: new CancelledError() })
  expect(describeError(interrupted)).toBe('the time allowed has passed')
})

test('forwarded headers count only if they come from a trusted proxy', () => {
  const headers = {
    host: '10.0.0.9:80',
    'x-forwarded-for': '6.6.6.6, 1.2.3.4, 10.0.0.2',
    'x-forwarded-host': 'jobs.example.com',
    'x-forwarded-proto': 'https',
  }
  const originOf = (remoteAddress: string, trusted: string[]): unknown =>
    new TrustedProxies(trusted).originOf({ headers, socket: { remoteAddress } } as never)
  expect(originOf('::ffff:10.0.0.1', ['10.0.0.0/8'])).toEqual({
    // The first address in the header comes from the client itself, so it is not trusted.
    address: '1.2.3.4',
    host: 'jobs.example.com',
    isSecure: true,
  })
  expect(originOf('9.9.9.9', ['10.0.0.0/8', 'loopback'])).toEqual({
    address: '9.9.9.9',
    host: '10.0.0.9:80',
    isSecure: false,
  })
  for (const wrong of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', 'fe80::/129', '1.2.3/8'])
    expect(() => new TrustedProxies([wrong])).toThrow(RangeError)
})

const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((path) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts nginx with TLS before a server. nginx serves it under a prefix, which it removes from each path or leaves there. */
async function withNginx(
  {
    folder,
    page,
    takesAway,
    keepsHost,
  }: { folder: string; page: string; takesAway: boolean; keepsHost: boolean },
  body: (port: number) => Promise<void>,
): Promise<void> {
  const port = await freePort()
  await mkdir(join(folder, 'nginx'), { recursive: true })
  execFileSync(
    'openssl',
    [
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=jobs'.split(
        ' ',
      ),
      '-keyout',
      join(folder, 'key.pem'),
      '-out',
      join(folder, 'cert.pem'),
    ],
    { stdio: 'ignore' },
  )
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
     events {}
     http {
       access_log off; client_body_temp_path ${folder}/nginx; proxy_temp_path ${folder}/nginx;
       fastcgi_temp_path ${folder}/nginx; uwsgi_temp_path ${folder}/nginx; scgi_temp_path ${folder}/nginx;
       server {
         listen 127.0.0.1:${port} ssl; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
         location /queue/ {
           proxy_pass ${page}${takesAway ? '/' : ''}; proxy_http_version 1.1;
           ${keepsHost ? 'proxy_set_header Host $http_host;' : ''}
           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
           proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
         }
       }
     }`,
  )
  const child = spawn(nginx as string, ['-c', join(folder, 'nginx.conf'), '-p', folder], {
    stdio: 'ignore',
  })
  try {
    await expect.poll(() => canConnect(port)).toBe(true)
    await body(port)
  } finally {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  const result = await promise
  socket.destroy()
  return result
}

interface SiteAnswer {
  status: number
  location: string
  cookie: string
  text: string
}

/** Returns the response that a browser would get. Of a stream it returns the part that ends with `until`. */
async function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body = '', until: end = null as string | null } = {},
): Promise<SiteAnswer> {
  const agent = new Agent({ rejectUnauthorized: false })
  const site = `jobs.example.com:${port}`
  const request = httpsRequest({
    port,
    host: '127.0.0.1',
    path,
    method,
    agent,
    headers: { Host: site, Origin: `https://${site}`, ...headers },
  })
  request.end(body)
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    if (end !== null && text.includes(end)) break
  }
  response.destroy()
  agent.destroy()
  return {
    status: response.statusCode,
    location: response.headers.location ?? '',
    cookie: String(response.headers['set-cookie'] ?? ''),
    text,
  }
}

testWhere(nginx !== undefined, 'nginx is not installed').for([
  { takesAway: true, keepsHost: true, options: [] },
  { takesAway: true, keepsHost: false, options: [] },
  {
    takesAway: true,
    keepsHost: false,
    options: ['--public-url', 'https://jobs.example.com/queue'],
  },
  {
    takesAway: false,
    keepsHost: true,
    options: ['--public-url', 'https://jobs.example.com/queue/'],
  },
])(
  'behind nginx with TLS and a prefix the page and the login work: %j',
  slow,
  ({ options, ...how }) =>
    inFolder(async (folder) => {
      await using served = await Served.start('--password', 'sesame', ...options)
      await withNginx({ folder, page: served.page, ...how }, async (port) => {
        const asked = await ask(port, '/queue/')
        expect(asked.status).toBe(401)
        expect(asked.text).toContain('action="login"')
        const type = {
          'Content-Type': 'application/x-www-form-urlencoded',
          'Sec-Fetch-Site': 'same-origin',
        }
        const logIn = (password: string, headers = {}): Promise<SiteAnswer> =>
          ask(port, '/queue/login', {
            method: 'POST',
            headers: { ...type, ...headers },
            body: `password=${password}`,
          })
        expect((await logIn('wrong')).status).toBe(401)
        expect((await logIn('sesame', { Origin: 'https://evil.example' })).status).toBe(403)
        const opened = await logIn('sesame')
        expect([opened.status, opened.location]).toEqual([303, './'])
        expect(opened.cookie).toMatch(/; HttpOnly; SameSite=Strict; Secure$/)
        const cookie = opened.cookie.split(';')[0] ?? ''
        const page = await ask(port, '/queue/', { headers: { cookie } })
        const token = /name="jobd-token" content="([^"]+)"/.exec(page.text)?.[1] ?? ''
        expect((await ask(port, '/queue/page.js')).status).toBe(200)
        const added = await ask(port, '/queue/jobs', {
          method: 'POST',
          headers: { cookie, 'X-Jobd-Token': token, 'Content-Type': 'application/json' },
          body: '{"kind":"sleep","payload":"0"}',
        })
        expect([added.status, added.text]).toEqual([200, '{"id":1}'])
        // The events must arrive at once, and not when nginx has collected enough data.
        const events = await ask(port, '/queue/events', {
          headers: { cookie },
          until: 'event: changes',
        })
        expect(events.text).toContain('event: snapshot')
      })
    }),
)

test('all routes work if the prefix of the public URL is also the name of a route', slow, () =>
  inJobd(
    async ({ jobd, add }) => {
      await add('sleep', '0')
      const statusOf = async (path: string): Promise<number> =>
        (await send(`http://127.0.0.1:${jobd.httpPort}${path}`)).status
      // Some proxies remove the prefix from the path, and others leave it. Both must work.
      for (const path of ['/', '/page.js', '/jobs', '/jobs/1', '/jobs/1/attempts', '/table'])
        for (const sent of [path, `/jobs${path}`])
          expect([sent, await statusOf(sent)]).toEqual([sent, 200])
    },
    { publicUrl: 'https://example.com/jobs' },
  ),
)

test('a public URL without a slash at its end leads to the page', slow, () =>
  inJobd(
    async ({ jobd }) => {
      const server = `http://127.0.0.1:${jobd.httpPort}`
      const { status, headers } = await send(`${server}/team/jobs`)
      expect(status).toBe(308)
      const page = new URL(headers.location ?? '', `${server}/team/jobs`)
      expect(page.pathname).toBe('/team/jobs/')
      expect(await send(page.href)).toMatchObject({ status: 200 })
    },
    { publicUrl: 'https://example.com/team/jobs' },
  ),
)

test(
  'a request with a foreign host name gets no token although a session exists',
  slow,
  async () => {
    await using served = await Served.start('--password', 'sesame')
    const response = await open(`${served.page}/jobs`, { headers: { Host: 'evil.example' } })
    response.resume()
    expect(response.statusCode).toBe(401)
    const headers = await pageHeaders(served.page)
    expect(headers['X-Jobd-Token']).toBe('')
  },
)
