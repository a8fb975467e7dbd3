// Tests that the handler of a request is cancelled when the client leaves, in each of the ways that different versions of Node
// report differently, and that other requests are served to their end.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { allTasks, run, sleep, timeout } from '../../packages/core/dist/index.js'
import { fetch, serve, sse } from '../../packages/http/dist/index.js'

const fixture = (name) =>
  readFileSync(new URL(`../../packages/http/test/fixtures/${name}`, import.meta.url))
const tls = { key: fixture('key.pem'), cert: fixture('cert.pem') }
const isNode = process.versions.bun === undefined && process.versions.deno === undefined

let began = 0
let cancelled = 0

async function handler(request) {
  const { pathname } = new URL(request.url)
  if (pathname === '/echo') return new Response(await request.text())
  if (pathname === '/events') {
    return sse(
      (async function* () {
        yield { data: 'one' }
        yield { data: 'two' }
      })(),
    )
  }
  began++
  try {
    await sleep(60_000)
    return new Response('not cancelled')
  } finally {
    cancelled++
  }
}

async function until(check, what) {
  await timeout(10_000, async () => {
    while (!check()) await sleep(5)
  }).catch(() => assert.fail(`${what}: ${began} began, ${cancelled} cancelled`))
}

async function leaves(what, url, count, text, leave) {
  const [begunBefore, cancelledBefore] = [began, cancelled]
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(text)
  await until(() => began === begunBefore + count, `${what} begins`)
  await sleep(30)
  leave(socket)
  await until(() => cancelled === cancelledBefore + count, `${what} is cancelled`)
  socket.destroy()
}

await run(async () => {
  const server = await serve(handler)
  const get = 'GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const post = (size) => `POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n`
  const { url } = server

  const echo = await fetch(`${url}/echo`, { method: 'POST', body: 'there and back' })
  assert.equal(await echo.text(), 'there and back')
  assert.equal(await (await fetch(`${url}/events`)).text(), 'data: one\n\ndata: two\n\n')

  await leaves('a close', url, 1, get, (socket) => socket.destroy())
  if (isNode) {
    await leaves('a reset', url, 1, get, (socket) => socket.resetAndDestroy())
    await leaves('a half-close', url, 1, get, (socket) => socket.end())
    await leaves('a pipeline', url, 3, get + get + get, (socket) => socket.destroy())
    const body = post(900_000) + 'x'.repeat(900_000)
    await leaves('an unread body', url, 1, body, (socket) => socket.destroy())

    const secure = await serve(handler, { tls })
    const session = connectHttp2(secure.url, { rejectUnauthorized: false })
    session.on('error', () => {})
    const stream = session.request({ ':path': '/work' })
    stream.on('error', () => {})
    await until(() => began === 8, 'HTTP/2 begins')
    stream.close(8)
    await until(() => cancelled === 8, 'a reset of HTTP/2 is cancelled')
    const echoed = session.request({ ':path': '/echo', ':method': 'POST' })
    echoed.end('over HTTP/2')
    const [chunk] = await once(echoed, 'data')
    assert.equal(String(chunk), 'over HTTP/2')
    session.destroy()
    await secure.stop()
  }
  await server.stop()
  await until(() => allTasks().size === 1, 'no task is left')
})
