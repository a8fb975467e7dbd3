import { serve as serveHono } from '@hono/node-server'
import { Catch, Controller, Get, Module, Post, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { CancelledError } from '@tasktree/core'
import { nodeHandler } from '@tasktree/http'
import { ignoreCancelled, requestScope } from '@tasktree/http/express'
import { fastifyScope } from '@tasktree/http/fastify'
import { honoScope } from '@tasktree/http/hono'
import connect from 'connect'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createRequire } from 'node:module'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const require = createRequire(import.meta.url)
// Express 4 has no types. The parts of it that the tests use are the same as in Express 5.
const express4 = require('express4') as typeof express

/** The function that answers a request in each framework: it gets the path and the body, and returns the text of the answer. */
export type Work = (path: string, body: string) => Promise<string>

export interface Options {
  deadline?: number
  maxRequests?: number
}

/** Starts a server. Returns its URL and a function that closes it. `onLog` gets each error that the framework logs. */
export type Start = (
  work: Work,
  options: Options,
  onLog: (entry: string) => void,
) => Promise<{ url: string; close: () => Promise<void> }>

async function listen(server: Server): Promise<{ url: string; close: () => Promise<void> }> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => closed(server) }
}

async function closed(server: Server): Promise<void> {
  const end = new Promise((resolve) => {
    server.close(resolve)
  })
  server.closeAllConnections()
  await end
}

function expressApp(make: typeof express): Start {
  return (work, options) => {
    const app = make()
    app.use(requestScope(options))
    app.use(make.text({ limit: '10mb', type: () => true }))
    app.use((request, response, next) => {
      work(request.path, typeof request.body === 'string' ? request.body : '').then(
        (text) => response.send(text),
        next,
      )
    })
    return listen(createServer(app))
  }
}

export const frameworks: Record<string, Start> = {
  'node:http': (work, options) =>
    listen(
      createServer(
        nodeHandler(async (request) => {
          const text = await work(new URL(request.url).pathname, await request.text())
          return new Response(text)
        }, options) as RequestListener,
      ),
    ),

  'requestScope on node:http': (work, options) => {
    const scope = requestScope(options)
    const server = createServer((incoming, outgoing) =>
      scope(incoming, outgoing, () => {
        const answer = async (): Promise<void> => {
          let body = ''
          for await (const chunk of incoming.setEncoding('utf8')) body += chunk
          outgoing.end(await work(incoming.url as string, body))
        }
        void answer()
      }),
    )
    return listen(server)
  },

  'Express 5': (work, options) => {
    const app = express()
    app.use(requestScope(options))
    app.use(express.text({ limit: '10mb', type: () => true }))
    // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 awaits an async handler
    app.use(async (request, response) => {
      const body: unknown = request.body
      response.send(await work(request.path, typeof body === 'string' ? body : ''))
    })
    return listen(createServer(app))
  },

  'Express 4': expressApp(express4),

  Connect: (work, options) => {
    const app = connect()
    app.use(requestScope(options))
    app.use((request, response, next) => {
      const answer = async (): Promise<void> => {
        let body = ''
        for await (const chunk of request.setEncoding('utf8')) body += chunk
        response.end(await work(request.url as string, body))
      }
      answer().catch(next)
    })
    app.use(ignoreCancelled)
    return listen(createServer(app))
  },

  Fastify: async (work, options, onLog) => {
    const stream = {
      write: (line: string) => {
        if ((JSON.parse(line) as { level: number }).level >= 40) onLog(line)
      },
    }
    const app = fastify({ logger: { level: 'info', stream }, bodyLimit: 10_000_000 })
    await app.register(fastifyScope, options)
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    app.all('/*', (request) => work(request.url, (request.body as string | undefined) ?? ''))
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    return {
      url,
      close: async () => {
        app.server.closeAllConnections()
        await app.close()
      },
    }
  },

  Hono: (work, options) => {
    const app = new Hono()
    app.use(honoScope(options))
    app.all('*', async (c) => c.text(await work(c.req.path, await c.req.text())))
    return new Promise((resolve) => {
      const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
        resolve({ url: `http://127.0.0.1:${port}`, close: () => closed(server as Server) })
      })
    })
  },

  Nest: async (work, options) => {
    class AppController {
      handle(request: { path: string; body: unknown }): Promise<string> {
        return work(request.path, typeof request.body === 'string' ? request.body : '')
      }
    }
    Controller()(AppController)
    Req()(AppController.prototype, 'handle', 0)
    const method = Object.getOwnPropertyDescriptor(AppController.prototype, 'handle')
    Get('*path')(AppController.prototype, 'handle', method as PropertyDescriptor)
    class PostController extends AppController {
      override handle(request: { path: string; body: unknown }): Promise<string> {
        return super.handle(request)
      }
    }
    Controller()(PostController)
    Req()(PostController.prototype, 'handle', 0)
    const post = Object.getOwnPropertyDescriptor(PostController.prototype, 'handle')
    Post('*path')(PostController.prototype, 'handle', post as PropertyDescriptor)
    class AppModule {
      readonly name: string = 'app'
    }
    Module({ controllers: [AppController, PostController] })(AppModule)
    class CancelledFilter {
      catch(): void {}
    }
    Catch(CancelledError)(CancelledFilter)
    const app = await NestFactory.create(AppModule, {
      logger: ['error', 'warn'],
      bodyParser: false,
    })
    app.use(requestScope(options))
    app.use(express.text({ limit: '10mb', type: () => true }))
    app.useGlobalFilters(new CancelledFilter())
    await app.listen(0, '127.0.0.1')
    return {
      url: await app.getUrl(),
      close: async () => {
        ;(app.getHttpServer() as Server).closeAllConnections()
        await app.close()
      },
    }
  },
}
