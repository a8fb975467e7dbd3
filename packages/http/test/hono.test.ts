import { serve as serveHono } from '@hono/node-server'
import { run, sleep } from '@tasktree/core'
import { type ServerSentEvent, sse } from '@tasktree/http'
import { honoScope } from '@tasktree/http/hono'
import { Hono } from 'hono'
import type { Server } from 'node:http'
import { expect, test, vi } from 'vitest'
import { RawClient } from './support/clients.ts'
import { Log, requestTasks } from './support/probe.ts'

test.each(['before', 'after'])(
  'under Hono the source of sse() is cancelled with its request: %s its first event',
  (moment) =>
    // Hono's server is made inside of a task, so it reads the bodies of responses in the context of that task.
    run(async () => {
      const log = new Log()
      async function* events(): AsyncGenerator<ServerSentEvent> {
        if (moment === 'after') yield { data: 'first' }
        await log.work('source')
      }
      const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
      const app = new Hono()
      app.use(honoScope())
      app.get('/', () => sse(events()))
      const { server, port } = await new Promise<{ server: Server; port: number }>((resolve) => {
        const made = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) =>
          resolve({ server: made as Server, port: info.port }),
        )
      })
      const client = await RawClient.open(`http://127.0.0.1:${port}`)
      client.get('/')
      await log.until('source began')
      client.leave()
      await log.until('source ended')
      while (requestTasks().length > 0) await sleep(1)
      expect(logged).not.toHaveBeenCalled()
      logged.mockRestore()
      server.close()
    }),
)
