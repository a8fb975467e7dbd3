import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { inJobd } from './support/in-jobd.ts'
import { open, pageHeaders, type RequestOptions, send } from './support/request.ts'
import { Served } from './support/served.ts'

const slow = { tags: ['slow'] }

/** Reads the events of a stream until `enough` returns true for them. */
async function readEvents(
  url: string,
  enough: (events: { event: string; data: unknown }[]) => boolean,
): Promise<{ event: string; data: unknown }[]> {
  const response = await open(url)
  const events: { event: string; data: unknown }[] = []
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    const frames = text.split('\n\n')
    text = frames.pop() ?? ''
    for (const frame of frames) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? []
      if (event !== undefined) events.push({ event, data: JSON.parse(data ?? 'null') })
    }
    if (enough(events)) break
  }
  response.destroy()
  return events
}

test(
  'the page is served with a content security policy that allows no other origin',
  slow,
  async () => {
    await using served = await Served.start()
    const { status, headers, text } = await send(served.page)
    expect(status).toBe(200)
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'/)
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(headers['x-frame-options']).toBe('DENY')
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//)
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style| style=| on[a-z]+=/)
    for (const path of ['page.js', 'style.css', 'icon.svg'])
      expect(await send(`${served.page}/${path}`)).toMatchObject({ status: 200 })
    expect(await send(`${served.page}/main.js`)).toMatchObject({ status: 404 })
    expect(await send(`${served.page}/..%2f..%2fpackage.json`)).toMatchObject({ status: 404 })
  },
)

test(
  'a request with a foreign host name is refused, because a DNS rebinding attack sends such names',
  slow,
  async () => {
    await using served = await Served.start()
    const { port } = new URL(served.page)
    for (const Host of [`evil.example:${port}`, 'evil.example', '127.0.0.1.evil.example'])
      expect(await send(`${served.page}/jobs`, { headers: { Host } })).toMatchObject({
        status: 403,
      })
    for (const Host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
      expect(await send(`${served.page}/jobs`, { headers: { Host } })).toMatchObject({
        status: 200,
      })
  },
)

test(
  'a request that changes something needs the origin and the token of the page',
  slow,
  async () => {
    await using served = await Served.start()
    const headers = await pageHeaders(served.page)
    const body = JSON.stringify({ kind: 'sleep', payload: '1' })
    const post = async (changed: Record<string, string>, without = ''): Promise<number> => {
      const all = Object.entries({ ...headers, ...changed }).filter(([name]) => name !== without)
      const url = `${served.page}/jobs`
      return (await send(url, { method: 'POST', headers: Object.fromEntries(all), body })).status
    }
    expect(await post({ Origin: 'http://evil.example' })).toBe(403)
    expect(await post({ Origin: 'null' })).toBe(403)
    expect(await post({ Origin: served.page.replace('127.0.0.1', 'localhost') })).toBe(403)
    expect(await post({}, 'Origin')).toBe(403)
    expect(await post({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403)
    expect(await post({}, 'X-Jobd-Token')).toBe(403)
    expect(await post({ 'X-Jobd-Token': 'guessed' })).toBe(403)
    expect((await send(`${served.page}/jobs`)).text).toBe('[]')
    expect(await post({})).toBe(200)
    expect(JSON.parse((await send(`${served.page}/jobs`)).text)).toHaveLength(1)
  },
)

test('a wrong request is answered with an error status, and the server goes on', slow, async () => {
  await using served = await Served.start()
  const headers = await pageHeaders(served.page)
  const post = async (path: string, body: string): Promise<number> =>
    (await send(`${served.page}${path}`, { method: 'POST', headers, body })).status
  expect(await post('/jobs', 'no json')).toBe(400)
  expect(await post('/jobs', 'null')).toBe(400)
  expect(await post('/jobs', '{"kind":"sleep"}')).toBe(400)
  expect(await post('/jobs', '{"kind":"nonsense","payload":"1"}')).toBe(409)
  expect(await post('/jobs', JSON.stringify({ kind: 'x'.repeat(2 ** 21), payload: '' }))).toBe(413)
  expect(await post('/jobs/99/cancel', '{}')).toBe(409)
  expect(await post('/actors/kill', '{"path":"nobody"}')).toBe(404)
  expect(await post('/actors/kill', '{"path":"jobd"}')).toBe(409)
  expect((await send(`${served.page}/jobs/99`)).status).toBe(404)
  expect((await send(`${served.page}/jobs/99/output`)).status).toBe(404)
  expect((await send(`${served.page}/jobs?state=odd`)).status).toBe(400)
  expect((await send(`${served.page}/jobs`, { method: 'DELETE' })).status).toBe(405)
  expect((await send(served.page)).status).toBe(200)
})

test('a server with a password shows nothing before the login', slow, async () => {
  await using served = await Served.start('--password', 'open sesame')
  for (const path of ['/events', '/jobs', '/jobs/1', '/jobs/1/output'])
    expect((await send(`${served.page}${path}`)).status).toBe(401)
  const asked = await send(served.page)
  expect(asked.status).toBe(401)
  expect(asked.text).toContain('type="password"')
  expect(asked.text).not.toContain('jobd-token')

  const { origin } = new URL(served.page)
  const logIn = (password: string, Origin = origin): ReturnType<typeof send> =>
    send(`${served.page}/login`, {
      method: 'POST',
      headers: { Origin, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ password }).toString(),
    })
  expect(await logIn('guess')).toMatchObject({ status: 401 })
  expect((await logIn('guess')).text).toContain('That is not the password')
  expect(await logIn('open sesame', 'http://evil.example')).toMatchObject({ status: 403 })
  const opened = await logIn('open sesame')
  expect(opened.status).toBe(303)
  const cookie = opened.headers['set-cookie']?.[0] ?? ''
  expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/)

  const session = cookie.split(';')[0] ?? ''
  const headers = await pageHeaders(served.page, session)
  expect(headers['X-Jobd-Token']).not.toBe('')
  expect((await send(`${served.page}/jobs`, { headers })).status).toBe(200)
  const out = await send(`${served.page}/logout`, { method: 'POST', headers, body: '{}' })
  expect(out.status).toBe(200)
  expect((await send(`${served.page}/jobs`, { headers })).status).toBe(401)
})

test(
  'a login to one server leaves the session of another server on the same host',
  slow,
  async () => {
    await using one = await Served.start('--password', 'one')
    await using other = await Served.start('--password', 'other')
    const cookies = new Map<string, string>()
    /** Sends a request as a browser does, which keeps the cookies of all ports of a host together. */
    const visit = async (url: string, options: RequestOptions = {}): Promise<number> => {
      const cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
      const { headers, status } = await send(url, {
        ...options,
        headers: { ...options.headers, cookie },
      })
      for (const set of headers['set-cookie'] ?? []) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
        cookies.set(name, value)
      }
      return status
    }
    for (const [{ page }, password] of [[one, 'one'] as const, [other, 'other'] as const])
      await visit(`${page}/login`, {
        method: 'POST',
        headers: { Origin: page, 'Content-Type': 'application/x-www-form-urlencoded' },
        body: `password=${password}`,
      })
    expect([await visit(`${one.page}/jobs`), await visit(`${other.page}/jobs`)]).toEqual([200, 200])
  },
)

test(
  'the session of a server is found beside a session cookie of a server at a shorter path',
  slow,
  () =>
    inJobd(
      async ({ jobd }) => {
        const page = `http://127.0.0.1:${jobd.httpPort}`
        const { headers } = await send(`${page}/login`, {
          method: 'POST',
          headers: { Origin: page, 'Content-Type': 'application/x-www-form-urlencoded' },
          body: 'password=sesame',
        })
        const own = headers['set-cookie']?.[0]?.split(';')[0] ?? ''
        const foreign = own.replace(/=.*/, '=foreign')
        for (const cookie of [`${own}; ${foreign}`, `${foreign}; ${own}`])
          expect((await send(`${page}/jobs`, { headers: { cookie } })).status).toBe(200)
        expect((await send(`${page}/jobs`, { headers: { cookie: foreign } })).status).toBe(401)
      },
      { password: 'sesame', http: 0 },
    ),
)

test('a login behind a proxy that hides the host is refused with the option to set', slow, () =>
  inJobd(
    async ({ jobd }) => {
      // The proxy sends its own Host, and does not say which host the browser has asked for.
      const { status, text } = await send(`http://127.0.0.1:${jobd.httpPort}/login`, {
        method: 'POST',
        headers: {
          Origin: 'https://jobs.example.com',
          'Content-Type': 'application/x-www-form-urlencoded',
        },
        body: 'password=sesame',
      })
      expect(status).toBe(403)
      expect(text).toMatch(/X-Forwarded-Host.*--public-url/)
    },
    { password: 'sesame', http: 0 },
  ),
)

test('a page gets all data first, and then the changes', slow, async () => {
  await using served = await Served.start()
  const headers = await pageHeaders(served.page)
  const add = (payload: string): ReturnType<typeof send> =>
    send(`${served.page}/jobs`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ kind: 'sleep', payload }),
    })
  await add('1')
  let added: Promise<unknown> = Promise.resolve()
  const seen = await readEvents(`${served.page}/events`, (events) => {
    if (events.length === 1) added = add('2')
    return events.some(({ event, data }) => {
      const { jobs = [] } = data as { jobs?: { id: number; state: string }[] }
      return event === 'changes' && jobs.some(({ id, state }) => id === 2 && state === 'done')
    })
  })
  await added
  expect(seen[0]).toMatchObject({
    event: 'snapshot',
    data: { tree: { id: 'jobd', status: 'running' }, jobs: [{ id: 1 }] },
  })
})

test(
  'a page gets at most about ten events a second, however many jobs are added',
  slow,
  async () => {
    await using served = await Served.start()
    const headers = await pageHeaders(served.page)
    const body = JSON.stringify({ kind: 'sleep', payload: '0' })
    let adding: Promise<unknown> = Promise.resolve()
    const begun = performance.now()
    const seen = await readEvents(`${served.page}/events`, (events) => {
      if (events.length === 1)
        adding = Promise.all(
          Array.from({ length: 200 }, () =>
            send(`${served.page}/jobs`, { method: 'POST', headers, body }),
          ),
        )
      return events.some(({ data }) => {
        const { counts } = data as { counts?: { done: number } }
        return counts?.done === 200
      })
    })
    const seconds = (performance.now() - begun) / 1_000
    await adding
    expect(seen.length).toBeLessThan(11 * seconds + 3)
  },
)

test('a killed dashboard comes back at the same port with the same token', slow, async () => {
  await using served = await Served.start()
  const headers = await pageHeaders(served.page)
  const killed = await send(`${served.page}/actors/kill`, {
    method: 'POST',
    headers,
    body: '{"path":"dashboard"}',
  })
  expect(killed.status).toBe(200)
  const again = async (): Promise<{ text: string }> => {
    for (;;) {
      try {
        return await send(served.page)
      } catch (error) {
        if (!/ECONNREFUSED|ECONNRESET/.test(String(error))) throw error
      }
    }
  }
  expect((await again()).text).toContain(headers['X-Jobd-Token'])
})

test('a killed dashboard closes its connections', slow, async () => {
  await using served = await Served.start()
  const headers = await pageHeaders(served.page)
  const { hostname, port, host } = new URL(served.page)
  const socket = connect(Number(port), hostname)
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  // The server may reset the connection or end it. Both count as the end.
  socket.on('error', () => {})
  socket.once('close', () => resolve())
  let heard = ''
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString()
    // The stream has ended but the connection has not. Like a browser, the test sends the next request on it.
    if (chunk.toString().endsWith('0\r\n\r\n'))
      socket.write(`GET /jobs HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  })
  socket.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  await expect.poll(() => heard).toContain('event: snapshot')
  await send(`${served.page}/actors/kill`, {
    method: 'POST',
    headers,
    body: '{"path":"dashboard"}',
  })
  await closed
  expect(heard.split('HTTP/1.1 200')).toHaveLength(2)
})

test('the end of the server ends every open event stream', slow, async () => {
  await using served = await Served.start()
  const response = await open(`${served.page}/events`)
  const ended = once(response, 'close')
  response.resume()
  expect(await served.stop()).toBe(0)
  await ended
})
