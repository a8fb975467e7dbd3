import { allTasks, run, sleep } from '@tasktree/core'
import { serve } from '@tasktree/http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { requestTasks } from './support/probe.ts'

const total = 10_000
const atOnce = 100

/** Counts the open handles of the kinds that a client which has left could leave behind. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) {
    if (/TCPSocket|Timeout/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

// The limit is for a machine that is busy with other things: 11,000 connections take many seconds of processor time.
const patient = { tags: ['slow'], timeout: 600_000 }

test(
  '10,000 clients that leave during their requests leave no task, socket or timer',
  patient,
  () =>
    run(async () => {
      let began = 0
      let ended = 0
      /** What each client does when its request has begun. */
      const leaving = new Map<string, () => void>()
      await using server = await serve(async (request) => {
        began++
        const { pathname } = new URL(request.url)
        leaving.get(pathname)?.()
        try {
          if (pathname.startsWith('/stream')) {
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
          const path = `/${i % 3 === 0 ? 'stream' : 'upload'}/${i}`
          const socket = connect(Number(port), '127.0.0.1', () => {
            socket.write(
              i % 3 === 0
                ? `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
                : `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf`,
            )
          })
          const leave = (): void => {
            if (i % 2 === 0) socket.destroy()
            else socket.resetAndDestroy()
          }
          leaving.set(path, () => {
            leaving.delete(path)
            // Not at once: the handler is midway when the client has left.
            setTimeout(leave, 1)
          })
          socket.on('error', () => {})
          socket.on('close', () => resolve())
        })
      const batch = async (count: number): Promise<void> => {
        for (let done = 0; done < count; done += atOnce) {
          await Promise.all(Array.from({ length: atOnce }, (_, i) => leaveMidway(done + i)))
        }
        // A request ends some time after its client has left.
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
        // The test runner has a few handles of its own, whose number changes.
        expect(count).toBeLessThan((before[kind] ?? 0) + 5)
      }
      expect([...allTasks()].map(({ name }) => name)).toEqual(['Task-1'])
      expect(began).toBe(ended)
      expect(began).toBeGreaterThanOrEqual(total)
      // If each of 10,000 requests left 500 bytes behind, the growth would reach this limit.
      expect(process.memoryUsage().heapUsed - held).toBeLessThan(5_000_000)
    }),
)
