import {
  fetch,
  type HttpServer,
  nodeHandler,
  Response as LightResponse,
  serve,
  sse,
} from '@tasktree/http'
import { requestScope } from '@tasktree/http/express'
import { fastifyScope } from '@tasktree/http/fastify'
import { honoScope } from '@tasktree/http/hono'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer } from 'node:http'
import { expectTypeOf } from 'vitest'

expectTypeOf(serve(() => new Response())).toEqualTypeOf<Promise<HttpServer>>()
expectTypeOf(serve(async (request) => new LightResponse(request.url))).toEqualTypeOf<
  Promise<HttpServer>
>()
expectTypeOf(fetch('http://a.example', { timeout: 1, retry: { attempts: 2 } })).toEqualTypeOf<
  Promise<Response>
>()

// @ts-expect-error -- a handler must return a Response
void serve(() => 'text')
// @ts-expect-error -- not an async iterable of events
sse([{ data: 'one' }])

createServer(nodeHandler(() => new Response()))
express().use(requestScope({ deadline: 1 }))
void fastify().register(fastifyScope, { maxRequests: 1 })
new Hono().use(honoScope())
