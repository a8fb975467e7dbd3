import { allTasks, run, sleep } from '@tasktree/core'
import { serve } from '@tasktree/http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { requestTasks } from './support/probe.ts'

const total = 10_000
const atOnce = 100

/** Kinds of open handles that a departed client could leave behind. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) {
    if (/TCPSocket|Timeout/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

test('10,000 clients that leave midway leave no task, socket or timer', { tags: ['slow'] }, () =>
  run(async () => {
    let began = 0
    let ended = 0
    await using server = await serve(async (request) => {
      began++
      try {
        if (request.url.endsWith('/stream')) {
          return new Response(new ReadableStream({ pull: () => sleep(60_000) }))
        }
        await Promise.all([sleep(60_000), request.text()])
        return new Response()
      } finally {
        ended++
      }
    })
    const { port } = new URL(server.url)
    const leaveMidway = (i: number): Promise<void> =>
      new Promise((resolve) => {
        const before = began
        const socket = connect(Number(port), '127.0.0.1', () => {
          socket.write(
            i % 3 === 0
              ? 'GET /stream HTTP/1.1\r\nHost: a\r\n\r\n'
              : 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf',
          )
          const leave = (): void => {
            if (began === before) setTimeout(leave, 1)
            else if (i % 2 === 0) socket.destroy()
            else socket.resetAndDestroy()
          }
          leave()
        })
        socket.on('error', () => {})
        socket.on('close', () => resolve())
      })
    const batch = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += atOnce) {
        await Promise.all(Array.from({ length: atOnce }, (_, i) => leaveMidway(done + i)))
      }
      // A request whose client has left already may begin after the last one that was seen.
      for (let quiet = 0; quiet < 20; quiet++) {
        if (requestTasks().length > 0) quiet = 0
        await sleep(5)
      }
    }
    await batch(1_000)
    globalThis.gc?.()
    const [before, held] = [handles(), process.memoryUsage().heapUsed]
    await batch(total)
    globalThis.gc?.()
    for (const [kind, count] of Object.entries(handles())) {
      // The test runner has a few of its own, which come and go.
      expect(count).toBeLessThan((before[kind] ?? 0) + 5)
    }
    expect([...allTasks()].map(({ name }) => name)).toEqual(['Task-1'])
    expect(began).toBe(ended)
    expect(began).toBeGreaterThanOrEqual(total)
    // 10,000 requests that each left 500 bytes would be more.
    expect(process.memoryUsage().heapUsed - held).toBeLessThan(5_000_000)
  }),
)
